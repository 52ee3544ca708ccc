"""What claims about steering and about projecting out begin and end with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytest_interp.claims.defined import undefined
from pytest_interp.claims.groups import FEWEST_GROUPS, Needed, outcome
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.control import Control
from pytest_interp.results.steering import AblationResult, SteerResult
from pytest_interp.stats.separation import Bools

Intervened = SteerResult | AblationResult


def chosen(result: Intervened, label: str | None) -> tuple[Bools, str]:
    """The prompts of a class, or all of them, and their name.

    Raises:
        ClaimError: there is no such class.
    """
    if label is None:
        return np.ones(len(result.ids), dtype=bool), f"all prompts of {result.name!r}"
    if label not in result.classes:
        raise ClaimError(f"there is no class {label!r}: give one of {', '.join(result.classes)}")
    return np.array([one == label for one in result.labels]), f"{label} prompts"


def verdict_of(
    result: Intervened, claim: str, which: Bools, threshold: float, terms: Terms
) -> Verdict:
    """The inconclusive verdict that a claim begins with."""
    templates = {t for t, one in zip(result.templates, which.tolist(), strict=True) if one}
    return Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=int(which.sum()),
        n_clusters=len(templates),
        threshold=threshold,
        confidence=terms.confidence,
        metric="log-odds of abstaining",
    )


def undecided(result: Intervened, which: Bools) -> str:
    """Why no number can decide; empty where they can."""
    if said := undefined(result):
        return said
    n_groups = len({g for g, one in zip(result.groups, which.tolist(), strict=True) if one})
    if n_groups < FEWEST_GROUPS:
        return f"{n_groups} groups of prompts say too little: {FEWEST_GROUPS} are needed at least."
    return ""


def decided(
    verdict: Verdict, needed: Sequence[Needed], controls: Sequence[Control], passed: str
) -> Verdict:
    """The verdict, once the numbers decide."""
    tightest = min(needed, key=lambda one: one.margin)
    status, sentence = outcome(needed, controls, passed)
    return replace(
        verdict,
        status=status,
        sentence=sentence,
        effect=tightest.estimate,
        threshold=tightest.limit,
        margin=tightest.margin,
        controls=tuple(controls),
        details="\n".join(["  needed:", *(f"    {one}" for one in needed)]),
    )
