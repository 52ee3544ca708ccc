"""Claims: checks that return a verdict, and assertions that raise on any but a passed one.

Modules are imported when a name of theirs is asked for: NumPy and the statistics with the first
claim, not with the plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_interp.lazy import lazy_names

if TYPE_CHECKING:
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

_LAZY = {
    "Estimate": "verdict",
    "Status": "verdict",
    "Verdict": "verdict",
    "assert_backends_agree": "agreement",
    "assert_crystallises": "crystallises",
    "assert_fact_localized": "localized",
    "assert_handoff": "effects",
    "assert_necessary": "effects",
    "assert_no_effect": "effects",
    "assert_sufficient": "effects",
    "asserting": "requirements",
    "check_backends_agree": "agreement",
    "check_crystallises": "crystallises",
    "check_fact_localized": "localized",
    "check_handoff": "effects",
    "check_necessary": "effects",
    "check_no_effect": "effects",
    "check_sufficient": "effects",
    "conclude": "verdict",
    "hearing": "verdict",
}
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


__getattr__ = lazy_names(__name__, _LAZY)
