"""One class of prompts commits later than another; what a class says sharpens gradually."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_interp.claims.defined import undefined
from pytest_interp.claims.groups import (
    FEWEST_GROUPS,
    Needed,
    group_mean,
    groups_of,
    outcome,
    positive,
    require,
    share,
)
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Estimate, Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.control import Control
from pytest_interp.results.trajectories import Trajectories
from pytest_interp.stats import matched_pairs

CALIPER = 0.2
"""Largest difference in confidence of a matched pair, in standard deviations (Austin 2011)."""
FEWEST_PAIRS = 8
BALANCE = 0.1
"""Largest mean difference in confidence that matching may leave, in standard deviations."""


@checking
def check_commits_later(
    curves: Trajectories,
    *,
    label: str,
    than: str,
    by_layers: float = 1.0,
    min_matched: float = 0.5,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that the next token of one class comes to stay later than that of another.

    A model that is less sure settles later for that reason alone. Prompts of the two classes are
    therefore matched, one to one, by the log-probability of the token in the model's own output,
    and the claim is about the mean difference of the settled layers within pairs. Where too few
    prompts find a partner the classes cannot be compared, and the verdict is inconclusive.

    Args:
        curves: what :func:`pytest_interp.trajectories` returns.
        label: the class that is said to settle later.
        than: the class that it is compared with.
        by_layers: least mean difference, in layers; above 0.
        min_matched: least share of the smaller class that has to find a partner.
        confidence: confidence of the interval.
        seed: seed of resampling.

    Raises:
        ClaimError: these are no trajectories, there is no such class, or an argument makes no
            sense.
    """
    require(curves, Trajectories, "trajectories(adapter, prompts)")
    terms = Terms(confidence=confidence, seed=seed)
    least, needed_share = positive("by_layers", by_layers), share("min_matched", min_matched)
    if label == than:
        raise ClaimError(f"the class {label!r} cannot settle later than itself")
    late, early = (np.flatnonzero(curves.of(one)) for one in (label, than))
    claim = (
        f"what the model says on {label} prompts stays on top from at least {least:g} layers later "
        f"than on {than} prompts of the same final confidence"
    )
    verdict = _verdict(curves, claim, len(late) + len(early), least, terms)
    if said := undefined(curves):
        return replace(verdict, sentence=said)
    settled = curves.settled
    kept = [side[np.isfinite(settled[side])] for side in (late, early)]
    pairs = matched_pairs(curves.confidence[kept[0]], curves.confidence[kept[1]], CALIPER)
    smaller = min(len(late), len(early))
    pairs_needed = max(FEWEST_PAIRS, needed_share * smaller)
    if len(pairs) < pairs_needed:
        means = [curves.confidence[side].mean() for side in (late, early)]
        return replace(
            verdict,
            sentence=f"The classes do not overlap enough in confidence to be compared: {len(pairs)}"
            f" pairs of {smaller} can be matched, and {pairs_needed:.0f} are needed. Mean "
            f"log-probability: {label} {means[0]:.2f}, {than} {means[1]:.2f}.",
        )
    a, b = (side[pairs[:, i]] for i, side in enumerate(kept))
    groups = [tuple({curves.groups[i], curves.groups[j]}) for i, j in zip(a, b, strict=True)]
    if min(len({curves.groups[i] for i in side}) for side in (a, b)) < FEWEST_GROUPS:
        said = f"The matched pairs are of too few groups: {FEWEST_GROUPS} of each class are needed."
        return replace(verdict, sentence=said)
    where = f"layers later, {len(pairs)} matched pairs"
    found = group_mean(settled[a] - settled[b], groups, where, terms.confidence, terms.seed)
    raw = settled[kept[0]].mean() - settled[kept[1]].mean()
    spread = curves.confidence[np.concatenate(kept)].std()
    off = abs((curves.confidence[a] - curves.confidence[b]).mean()) / max(spread, 1e-12)
    controls = (
        Control("balance", float(off), BALANCE, "confidence left unmatched, in deviations"),
    )
    alone = verdict.n_prompts - 2 * len(pairs)
    return _decided(
        replace(verdict, n_prompts=2 * len(pairs)),
        [Needed(found, least)],
        controls,
        f"{label} settles later.",
        f"    without matching the means differ by {raw:+.2f} layers",
        f"    {alone} prompts found no partner",
    )


@checking
def check_sharpens_gradually(
    curves: Trajectories,
    *,
    label: str,
    jump_at_most: float = 0.5,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that the probability of what the model says never rises by much in one layer.

    The claim is about the largest rise from one layer to the next, as a share of the final
    probability: its mean over prompts, with its whole interval, is at most ``jump_at_most``. What
    is there at the first layer counts as a rise from nothing: it came within one layer.

    Args:
        curves: what :func:`pytest_interp.trajectories` returns.
        label: the class of prompts that the claim is about.
        jump_at_most: largest such share, above 0.
        confidence: confidence of the interval.
        seed: seed of resampling.

    Raises:
        ClaimError: these are no trajectories, there is no such class, or an argument makes no
            sense.
    """
    require(curves, Trajectories, "trajectories(adapter, prompts)")
    terms = Terms(confidence=confidence, seed=seed)
    most = positive("jump_at_most", share("jump_at_most", jump_at_most))
    which = curves.of(label)
    claim = (
        f"on {label} prompts the probability of the next token rises by at most {most:.0%} of its "
        "final value from one layer to the next"
    )
    verdict = _verdict(curves, claim, int(which.sum()), most, terms)
    if said := undefined(curves):
        return replace(verdict, sentence=said)
    rises = np.maximum(curves.largest_jump, curves.prob[:, 0])
    jumps = rises[which] / np.exp(curves.confidence[which])
    groups = groups_of(curves.groups, which)
    if len(set(groups)) < FEWEST_GROUPS:
        said = f"{len(set(groups))} groups of prompts say too little: {FEWEST_GROUPS} are needed."
        return replace(verdict, sentence=said)
    found = group_mean(jumps, groups, "largest rise in one layer", terms.confidence, terms.seed)
    return _decided(verdict, [Needed(found, most, "at most")], (), "It sharpens gradually.")


assert_commits_later = register_claim("commits_later")(asserting(check_commits_later))
assert_sharpens_gradually = register_claim("sharpens_gradually")(
    asserting(check_sharpens_gradually)
)


def _verdict(
    curves: Trajectories, claim: str, n_prompts: int, threshold: float, terms: Terms
) -> Verdict:
    return Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=n_prompts,
        n_clusters=len(set(curves.templates)),
        threshold=threshold,
        confidence=terms.confidence,
        metric="logit lens of the stated answer" if curves.of_answers else "lens of its own token",
    )


def _decided(
    verdict: Verdict,
    needed: list[Needed],
    controls: tuple[Control, ...],
    passed: str,
    *notes: str,
) -> Verdict:
    (one,) = needed
    status, sentence = outcome(needed, controls, passed)
    estimate: Estimate = one.estimate
    return replace(
        verdict,
        status=status,
        sentence=sentence,
        effect=estimate,
        margin=one.margin,
        controls=controls,
        details="\n".join(["  needed:", f"    {one}", *notes]),
    )
