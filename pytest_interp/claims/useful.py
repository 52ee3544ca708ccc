"""A direction is useful: it separates prompts that it was not fitted on, and harms nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_interp.claims.groups import (
    FEWEST_GROUPS,
    Needed,
    group_share,
    groups_of,
    positive,
    require,
    share,
)
from pytest_interp.claims.intervened import chosen, decided, undecided, verdict_of
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import Terms, number
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Estimate, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.steering import SteerResult
from pytest_interp.stats.separation import Units, areas


@checking
def check_separates(
    steered: SteerResult, *, auroc_at_least: float = 0.8, confidence: float = 0.95
) -> Verdict:
    """Check that the direction itself tells the classes apart, on prompts of other groups.

    Args:
        steered: what :func:`pytest_interp.steer` returns; its direction was fitted on other groups.
        auroc_at_least: least AUROC of the projections on the direction, above 0.5.
        confidence: confidence of the interval.

    Raises:
        ClaimError: it is no steering result, or an argument makes no sense.
    """
    require(steered, SteerResult, "steer(adapter, prompts, direction)")
    if not 0.5 < number("auroc_at_least", auroc_at_least) <= 1:
        raise ClaimError(f"auroc_at_least={auroc_at_least!r}: give an area above 0.5, as 0.8")
    terms = Terms(confidence=confidence)
    first, second = steered.classes
    claim = (
        f"projections on the direction tell {first} from {second} on prompts that it was not "
        f"fitted on: AUROC at least {auroc_at_least:.2f}"
    )
    everyone = np.ones(len(steered.ids), dtype=bool)
    verdict = verdict_of(steered, claim, everyone, auroc_at_least, terms)
    if said := undecided(steered, everyone):
        return replace(verdict, sentence=said)
    units = Units(steered.of(first), steered.groups)
    found = areas(steered.projections, units, terms.confidence)
    estimate = Estimate(float(found.area), float(found.low), float(found.high), "AUROC")
    return decided(verdict, [Needed(estimate, auroc_at_least)], (), "The direction separates.")


@checking
def check_side_effects_below(
    steered: SteerResult,
    *,
    kl: float = 0.1,
    right_lost: float = 0.1,
    label: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that no dose changes neutral text or loses right answers by much.

    Args:
        steered: what :func:`pytest_interp.steer` returns.
        kl: largest mean divergence of the next token of neutral texts, in nats (Arditi et al. 2024
            take 0.1).
        right_lost: largest share of right answers lost, among prompts that are answered rightly
            without steering.
        label: the class whose right answers count; the first one by default.
        confidence: confidence of the interval.
        seed: seed of resampling.

    Raises:
        ClaimError: it is no steering result, it has no such class, or an argument makes no sense.
    """
    require(steered, SteerResult, "steer(adapter, prompts, direction)")
    terms = Terms(confidence=confidence, seed=seed)
    most_kl, most_lost = positive("kl", kl), share("right_lost", right_lost)
    which, whose = chosen(steered, label or steered.classes[0])
    claim = (
        f"at doses {steered.doses[0]:g} to {steered.doses[-1]:g} neutral text changes by at most "
        f"{most_kl:g} nats, and at most {most_lost:.0%} of the right answers on {whose} are lost"
    )
    verdict = verdict_of(steered, claim, which, most_kl, terms)
    if said := undecided(steered, which):
        return replace(verdict, sentence=said)
    worst = steered.neutral_kl.max().item()
    where = f"divergence of neutral text at dose {steered.doses[steered.neutral_kl.argmax()]:g}"
    needed = [Needed(Estimate(worst, worst, worst, where), most_kl, "at most")]
    answered = which & (steered.right[steered.at(0)] == 1)
    groups = groups_of(steered.groups, answered)
    if len(set(groups)) < FEWEST_GROUPS:
        return replace(
            verdict,
            sentence=f"The model answers {int(answered.sum())} of {int(which.sum())} prompts "
            f"rightly without steering, from {len(set(groups))} groups; {FEWEST_GROUPS} groups are "
            "needed to say what is lost.",
        )
    for dose, right in zip(steered.doses, steered.right[:, answered], strict=True):
        where = f"right answers lost at dose {dose:g}"
        if dose:
            lost = group_share(1 - right, groups, where, terms.confidence, terms.seed)
            needed.append(Needed(lost, most_lost, "at most"))
    return decided(verdict, needed, (), "Neutral text and right answers stay as they are.")


assert_separates = register_claim("separates")(asserting(check_separates))
assert_side_effects_below = register_claim("side_effects_below")(
    asserting(check_side_effects_below)
)
