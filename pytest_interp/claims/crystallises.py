"""By this layer the model has made up its mind: a claim about the logit lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytest_interp.claims.places import in_runs
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import Terms, number, whole_number
from pytest_interp.claims.verdict import Estimate, Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.lens import LensResult
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.tolerances import float_tolerance
from pytest_interp.stats import mean_intervals


def check_crystallises(
    lens: LensResult | LensSet | Sequence[LensResult],
    *,
    by_layer: int,
    not_before: int = 0,
    min_margin: float = 0.5,
    min_known: float = 0.8,
    confidence: float = 0.95,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Verdict:
    """Check that the answer becomes the top token by a layer, and stays it to the end.

    For several prompts the claim is about the mean of the layers from which it stays: the
    interval of that mean lies in ``not_before .. by_layer``. Prompts that the model does not answer
    at its last layer, or only just, say nothing about when it makes up its mind: a random model
    has a top token too.

    Args:
        lens: one result, or those of several prompts on one model under one backend, with all
            layers of the model: an answer may settle in a layer that was not read, and reading all
            costs one forward pass.
        by_layer: the last layer at which the answer may come to stay.
        not_before: the first such layer.
        min_margin: least lead of the answer at the last layer, in logits.
        min_known: least share of the prompts that the model must answer.
        confidence: of the interval of the mean.
        clusters: the template of each prompt; by default those of the set.
        seed: of resampling.

    Raises:
        ClaimError: no lens result, one prompt twice, two models or backends, layers that were not
            read, or an argument that makes no sense.
    """
    asked = _asked(lens, clusters)
    results, names = asked.lenses, asked.templates
    settings = Terms(confidence=confidence, min_known=min_known, seed=seed)
    by_layer = whole_number("by_layer", by_layer)
    not_before = whole_number("not_before", not_before)
    top = len(results[0].layers) - 1
    if not not_before <= by_layer <= top:
        raise ClaimError(
            f"cannot claim layers {not_before} to {by_layer}: the lens read layers 0 to {top}"
        )
    if number("min_margin", min_margin) < 0:
        raise ClaimError(f"min_margin={min_margin!r}: give a lead of 0 logits or more")
    claim = f"the answer is the top token from layer {by_layer} at the latest"
    if not_before:
        claim += f", and not from before layer {not_before}"
    known = [
        i
        for i, result in enumerate(results)
        if result.settled_layer.reached and result.answer_margin[-1] >= min_margin
    ]
    kept, kept_names = [results[i] for i in known], [names[i] for i in known]
    base = Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=len(kept),
        n_clusters=len(set(kept_names)),
        threshold=float(by_layer),
        confidence=settings.confidence if len(kept) > 1 else None,
        metric="top token of the logit lens",
        n_left_out=len(results) - len(kept),
    )
    undefined = [r.prompt for r in results if not np.isfinite(r.answer_margin).all()]
    if undefined:
        return replace(
            base, sentence=f"Undefined is not zero: logits of {undefined[0]!r} are not finite."
        )
    if not known or len(known) < settings.min_known * len(results):
        others = ", ".join(repr(r.prompt) for i, r in enumerate(results) if i not in known)
        return replace(
            base,
            sentence=(
                f"The model answers {len(known)} of {len(results)} prompts with a lead of at least "
                f"{min_margin:g} logits; {settings.min_known:.0%} are needed. It does not answer "
                f"{others[:200]}."
            ),
            n_prompts=len(results),
            n_clusters=len(set(names)),
        )
    settled = np.array([float(result.settled_layer) for result in kept])
    found = mean_intervals(settled, kept_names, settings.confidence, seed=settings.seed)
    estimate = Estimate(float(found.mean), float(found.low), float(found.high), "settled layer")
    late, early = by_layer - estimate.high, estimate.low - not_before
    status, sentence = Status.PASSED, "The answer stays on top from the claimed layers on."
    if estimate.low > by_layer or estimate.high < not_before:
        status, sentence = Status.FAILED, "The answer comes to stay at other layers."
    elif not min(late, early) >= 0:
        status = Status.INCONCLUSIVE
        sentence = "The interval crosses the limit: use more prompts, or claim less."
    elif len(kept) == 1 and _is_noise(kept[0], by_layer):
        status = Status.INCONCLUSIVE
        sentence = "The answer leads by no more than rounding at the claimed layer."
    return replace(
        base,
        status=status,
        sentence=sentence,
        effect=estimate,
        threshold=float(by_layer if late <= early else not_before),
        margin=min(late, early),
        details="\n".join(f"  {line}" for line in kept[0].settled_layer.explain())
        if len(kept) == 1
        else "",
    )


assert_crystallises = register_claim("crystallises")(asserting(check_crystallises))


def _asked(
    lens: LensResult | LensSet | Sequence[LensResult], clusters: Sequence[str] | None
) -> LensSet:
    """Lens results that a claim can rest on: of all layers of one model, each prompt once."""
    given: object = [lens] if isinstance(lens, LensResult) else lens
    if not isinstance(given, LensSet):
        if not isinstance(given, Sequence) or not all(isinstance(r, LensResult) for r in given):
            raise ClaimError(
                "expected a lens result or a list of them, as logit_lens(adapter, prompt, answer) "
                "returns, or a LensSet, as lens_facts(adapter, facts) returns; got "
                f"{type(lens).__name__}"
            )
        if not given:
            raise ClaimError("the list of lens results is empty: give at least one")
        ids = tuple(map(str, range(len(given))))
        given = LensSet(tuple(given), ("prompt",) * len(given), ids, name="lens results")
    if clusters is not None:
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
    dtype = result.provenance.dtype if result.provenance else "float32"
    from_there = [
        m for n, m in zip(result.layers, result.answer_margin, strict=True) if n >= by_layer
    ]
    return float(min(from_there)) < float_tolerance(dtype).atol
