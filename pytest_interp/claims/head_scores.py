"""A head is an induction head, a previous-token head or a duplicate-token head."""

from __future__ import annotations

from dataclasses import replace

from pytest_interp.adapters.components import Component
from pytest_interp.claims.demands import Demand, Units, decide_demands
from pytest_interp.claims.groups import FEWEST_GROUPS, attention_share, require
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.results.control import Control
from pytest_interp.results.head_scores import HeadScores, Score
from pytest_interp.results.samples import Scope

USUAL = 0.4
"""The usual threshold for induction heads."""
MOST_IN_CONTROL = 0.5
"""Most of the limit that the control may reach."""
_LOOKS = {
    "induction": "to the token that followed it before",
    "previous_token": "to the token before",
    "duplicate_token": "to itself as it stood before",
}
_CONTROLS = {
    "induction": "the same place, where the second copy is other random tokens",
    "previous_token": "attention to the token before the previous one",
    "duplicate_token": "the same place, where the second copy is other random tokens",
}


@checking
def check_induction_head(
    scores: HeadScores,
    head: Component | str,
    *,
    at_least: float = USUAL,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that a head attends from a repeated token to the one that followed it before.

    It passes where the mean induction score over sequences is at least ``at_least`` with its whole
    interval. The control is the score on tokens that are not repeated: a head that always looks so
    many tokens back scores there as well, and the verdict is inconclusive.

    Args:
        scores: what :func:`pytest_interp.induction_scores` returns.
        head: as ``head.5.5``.
        at_least: least score, above 0 and at most 1.
        confidence: confidence of the interval.
        seed: seed of resampling.

    Raises:
        ClaimError: these are no scores, the model has no such head, or an argument makes no sense.
    """
    return _check(scores, "induction", head, at_least, confidence, seed)


@checking
def check_previous_token_head(
    scores: HeadScores,
    head: Component | str,
    *,
    at_least: float = USUAL,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that a head attends from a random token to the one before.

    The control is its attention to the token before the previous one: a head that looks at all near
    tokens is no previous-token head. Arguments and errors as for :func:`check_induction_head`.
    """
    return _check(scores, "previous_token", head, at_least, confidence, seed)


@checking
def check_duplicate_token_head(
    scores: HeadScores,
    head: Component | str,
    *,
    at_least: float = USUAL,
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Check that a head attends from a repeated token to itself as it stood before.

    The control, arguments and errors are as for :func:`check_induction_head`.
    """
    return _check(scores, "duplicate_token", head, at_least, confidence, seed)


def _check(
    scores: HeadScores,
    name: Score,
    head: Component | str,
    at_least: float,
    confidence: float,
    seed: int,
) -> Verdict:
    require(scores, HeadScores, "induction_scores(adapter)")
    terms = Terms(confidence=confidence, seed=seed)
    least = attention_share("at_least", at_least)
    row, column = scores.place(head)
    values = scores.score(name)[:, row, column]
    elsewhere = float(scores.control(name)[:, row, column].mean())
    kind = name.replace("_", "-")
    article = "an" if name == "induction" else "a"
    repeats = "random tokens" if name == "previous_token" else "repeated random tokens"
    verdict = Verdict(
        claim=f"{head} is {article} {kind} head: on {repeats} it gives at least {least:.0%} of its "
        f"attention from each {_LOOKS[name]}",
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=scores.n,
        n_clusters=1,
        metric=f"{kind} score",
        controls=(Control("no such pair", elsewhere, MOST_IN_CONTROL * least, _CONTROLS[name]),),
    )
    numbers = range(scores.n)
    units = Units(
        Scope(
            templates=("random tokens",) * scores.n,
            entities=tuple(frozenset((f"sequence {i}",)) for i in numbers),
            answers=(frozenset(),) * scores.n,
        ),
        tuple(f"sequence {i}" for i in numbers),
        (None,) * scores.n,
        "sequences",
    )
    if scores.n < FEWEST_GROUPS:
        said = f"{scores.n} sequences say too little: {FEWEST_GROUPS} are needed at least."
        return replace(verdict, sentence=said, threshold=least)
    others = scores.leading(name, least)
    also = f"  heads that reach {least:.2f} in the mean: {', '.join(others) or 'none'}"
    demand = Demand(f"{kind} score of {head}", values, "at least", least)
    return decide_demands(verdict, units, [demand], terms, also)


assert_induction_head = register_claim("induction_head")(asserting(check_induction_head))
assert_previous_token_head = register_claim("previous_token_head")(
    asserting(check_previous_token_head)
)
assert_duplicate_token_head = register_claim("duplicate_token_head")(
    asserting(check_duplicate_token_head)
)
