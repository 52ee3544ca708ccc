"""The answer is the top token from this layer on: a claim about the logit lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytest_interp.claims.measured import Measured, measure
from pytest_interp.claims.places import in_runs
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import Terms, number, whole_number
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import dtype_of
from pytest_interp.results.claimed import ClaimedRange
from pytest_interp.results.known import LEAST_LEAD, is_answered
from pytest_interp.results.lens import LensResult
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.samples import Scope
from pytest_interp.results.tolerances import float_tolerance


@checking
def check_crystallises(
    lens: LensResult | LensSet | Sequence[LensResult],
    *,
    by_layer: int,
    not_before: int = 0,
    min_margin: float = LEAST_LEAD,
    min_known: float = 0.8,
    confidence: float = 0.95,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Verdict:
    """Check that the answer becomes the top token by a layer, and stays it to the end.

    For several prompts the claim is about the mean of the layers from which it stays: the
    interval of that mean lies in ``not_before .. by_layer``. Prompts whose answer has no clear
    lead at the last layer are left out: a random model has a top token too.

    Args:
        lens: one result, or those of several prompts on one model under one backend, with all
            layers of the model: an answer may settle in a layer that was not read.
        by_layer: the last layer at which the answer may come to stay.
        not_before: the first such layer.
        min_margin: least lead of the answer at the last layer, in logits.
        min_known: least share of the prompts that the model must answer.
        confidence: confidence of the interval of the mean.
        clusters: the template of each prompt. Those of the set are the default; of a list, each
            prompt is taken for a wording of its own.
        seed: seed of resampling.

    Raises:
        ClaimError: ``lens`` is no lens result, or one prompt twice, or of two models or backends;
            a layer was not read; or an argument makes no sense.
    """
    asked = _asked(lens, clusters)
    terms = Terms(confidence=confidence, min_known=min_known, seed=seed)
    by_layer = whole_number("by_layer", by_layer)
    not_before = whole_number("not_before", not_before)
    top = len(asked.layers) - 1
    if not not_before <= by_layer <= top:
        raise ClaimError(
            f"cannot claim layers {not_before} to {by_layer}: the lens read layers 0 to {top}"
        )
    if number("min_margin", min_margin) < 0:
        raise ClaimError(f"min_margin={min_margin!r}: give a lead of 0 logits or more")
    claim = f"the answer is the top token from layer {by_layer} at the latest"
    if not_before:
        claim += f", and not from before layer {not_before}"
    known = [i for i, one in enumerate(asked) if is_answered(one, min_margin)]
    kept, scope = [asked.lenses[i] for i in known], Scope.of(asked, known)
    alone = kept[0] if len(kept) == 1 else None
    verdict = Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        **scope.counts,
        threshold=float(by_layer),
        confidence=terms.confidence if len(kept) > 1 else None,
        metric="top token of the logit lens",
        n_left_out=len(asked) - len(kept),
        ranges=(ClaimedRange("settled layer", not_before, by_layer),),
    )
    undefined = [one.prompt for one in asked if not np.isfinite(one.answer_margin).all()]
    if undefined:
        sentence = f"Undefined is not zero: logits of {undefined[0]!r} are not finite."
        return replace(verdict, sentence=sentence)
    if not known or len(known) < terms.min_known * len(asked):
        left_out = [one for i, one in enumerate(asked) if i not in known]
        others = ", ".join(repr(one.prompt) for one in left_out)
        spaced = next(filter(None, (one.settled_layer.spaced for one in left_out)), "")
        return replace(
            verdict,
            sentence=f"The model answers {len(known)} of {len(asked)} prompts with a lead of at "
            f"least {min_margin:g} logits; {terms.min_known:.0%} are needed. It does not answer "
            f"{others[:200]}{f': {spaced}' if spaced else ''}.",
            **Scope.of(asked, range(len(asked))).counts,
        )
    if few := scope.too_few():
        return replace(verdict, sentence=f"There is no interval: {few}.")
    settled = np.array([[float(one.settled_layer)] for one in kept])
    found = [
        measure(
            sample, settled[list(sample.members)], ["settled layer"], terms.confidence, terms.seed
        )[0]
        for sample in scope.samples()
    ]

    def room(one: Measured) -> float:
        return min(by_layer - one.mean.high, one.mean.low - not_before)

    # of several templates the worst decides, and one that is false before all
    worst = min(
        found,
        key=lambda one: (not (one.mean.low > by_layer or one.mean.high < not_before), room(one)),
    )
    low, high = worst.mean.low, worst.mean.high
    late, early = by_layer - high, low - not_before
    status, sentence = (
        Status.INCONCLUSIVE,
        "The answer leads only by rounding at the claimed layer.",
    )
    if low > by_layer or high < not_before:
        status, sentence = Status.FAILED, "The answer comes to stay at other layers."
    elif not min(late, early) >= 0:
        sentence = (
            f"The interval crosses the limit: there are {worst.n_units} {worst.units} at "
            f"{worst.mean.where}; add {worst.units}, or claim less."
        )
    elif alone is None or not _is_noise(alone, by_layer):
        status, sentence = Status.PASSED, "The answer stays on top from the claimed layers on."
    return replace(
        verdict,
        status=status,
        sentence=sentence,
        effect=worst.mean,
        interval=worst.interval,
        threshold=float(by_layer if late <= early else not_before),
        margin=min(late, early),
        claimed=f"{not_before} to {by_layer}" if not_before else f"at most {by_layer}",
        details="\n".join(f"  {line}" for line in alone.settled_layer.explain()) if alone else "",
    )


assert_crystallises = register_claim("crystallises")(asserting(check_crystallises))


def _asked(
    lens: LensResult | LensSet | Sequence[LensResult], clusters: Sequence[str] | None
) -> LensSet:
    """The lenses as a set that a claim can rest on: of all layers of one model."""
    given: object = [lens] if isinstance(lens, LensResult) else lens
    if isinstance(given, Sequence) and all(isinstance(one, LensResult) for one in given):
        if not given:
            raise ClaimError("the list of lens results is empty: give at least one")
        ids = tuple(map(str, range(len(given))))
        # nothing is known of their wordings: each is its own
        given = LensSet(tuple(given), ids, ids, name="lens results")
    if not isinstance(given, LensSet):
        raise ClaimError(
            "expected a lens result or a list of them, as logit_lens(adapter, prompt, answer) "
            "returns, or a LensSet, as lens_facts(adapter, facts) returns; got "
            f"{type(lens).__name__}"
        )
    if clusters is not None:
        clusters = tuple(clusters)
        if len(clusters) != len(given):
            raise ClaimError(
                f"clusters= names {len(clusters)} templates for {len(given)} lens results: one each"
            )
        given = replace(given, templates=tuple(clusters))
    first = given.lenses[0]
    if first.n_layers is None or first.layers != tuple(range(first.n_layers)):
        depth = "an unknown number of" if first.n_layers is None else first.n_layers
        raise ClaimError(
            f"the lens read layers {in_runs(first.layers)} of a model with {depth} layers "
            f"(LensResult.n_layers) on {first.prompt!r}: read all layers, which costs one "
            "forward pass as well"
        )
    return given


def _is_noise(result: LensResult, by_layer: int) -> bool:
    # all layers were read: a layer is its own index
    return bool(result.answer_margin[by_layer:].min() < float_tolerance(dtype_of(result)).atol)
