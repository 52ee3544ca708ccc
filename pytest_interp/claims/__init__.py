"""Claims: checks that return a verdict, and assertions that raise on any but a passed one."""

from pytest_interp.claims.agreement import assert_backends_agree, check_backends_agree
from pytest_interp.claims.crystallises import assert_crystallises, check_crystallises
from pytest_interp.claims.effects import (
    assert_handoff,
    assert_necessary,
    assert_no_effect,
    assert_sufficient,
    check_handoff,
    check_necessary,
    check_no_effect,
    check_sufficient,
)
from pytest_interp.claims.localized import assert_fact_localized, check_fact_localized
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.verdict import Estimate, Status, Verdict, conclude, hearing

__all__ = [
    "Estimate",
    "Status",
    "Verdict",
    "assert_backends_agree",
    "assert_crystallises",
    "assert_fact_localized",
    "assert_handoff",
    "assert_necessary",
    "assert_no_effect",
    "assert_sufficient",
    "asserting",
    "check_backends_agree",
    "check_crystallises",
    "check_fact_localized",
    "check_handoff",
    "check_necessary",
    "check_no_effect",
    "check_sufficient",
    "conclude",
    "hearing",
]
