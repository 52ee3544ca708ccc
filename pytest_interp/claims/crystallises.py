"""By this layer the model has made up its mind: a claim about the logit lens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.verdict import Estimate, Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results import LensResult, float_tolerance
from pytest_interp.stats import mean_intervals


def check_crystallises(
    lens: LensResult | Sequence[LensResult],
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
        lens: one result, or those of several prompts, with the same layers.
        by_layer: the last layer at which the answer may come to stay.
        not_before: the first such layer.
        min_margin: least lead of the answer at the last layer, in logits.
        min_known: least share of the prompts that the model must answer.
        confidence: of the interval of the mean.
        clusters: the template of each prompt.
        seed: of resampling.

    Raises:
        ClaimError: no result, or layers that were not read.
    """
    results = [lens] if isinstance(lens, LensResult) else list(lens)
    if not results or len({result.layers for result in results}) != 1:
        raise ClaimError("give lens results, at least one, all of the same layers")
    layers = results[0].layers
    if by_layer not in layers or by_layer < not_before:
        raise ClaimError(
            f"cannot claim layers {not_before} to {by_layer}: the lens read layers {layers[0]} to "
            f"{layers[-1]}"
        )
    names = list(clusters) if clusters is not None else ["prompt"] * len(results)
    claim = f"the answer is the top token from layer {by_layer} at the latest"
    if not_before:
        claim += f", and not from before layer {not_before}"
    known = [
        i
        for i, result in enumerate(results)
        if result.settled_layer.reached and result.answer_margin[-1] >= min_margin
    ]
    if not known or len(known) < min_known * len(results):
        asked = ", ".join(repr(r.prompt) for i, r in enumerate(results) if i not in known)
        return Verdict(
            claim=claim,
            status=Status.INCONCLUSIVE,
            sentence=(
                f"The model answers {len(known)} of {len(results)} prompts with a lead of at least "
                f"{min_margin:g} logits; {min_known:.0%} are needed. It does not answer "
                f"{asked[:200]}."
            ),
            n_prompts=len(results),
            n_clusters=len(set(names)),
            n_left_out=len(results) - len(known),
        )
    kept = [results[i] for i in known]
    settled = np.array([float(result.settled_layer) for result in kept])
    kept_names = [names[i] for i in known]
    found = mean_intervals(settled, kept_names, confidence, seed=seed)
    estimate = Estimate(float(found.mean), float(found.low), float(found.high), "settled layer")
    late, early = by_layer - estimate.high, estimate.low - not_before
    status, sentence = Status.PASSED, "The answer stays on top from the claimed layers on."
    if estimate.low > by_layer or estimate.high < not_before:
        status, sentence = Status.FAILED, "The answer comes to stay at other layers."
    elif min(late, early) < 0:
        status = Status.INCONCLUSIVE
        sentence = "The interval crosses the limit: use more prompts, or claim less."
    elif len(kept) == 1 and _is_noise(kept[0], by_layer):
        status = Status.INCONCLUSIVE
        sentence = "The answer leads by no more than rounding at the claimed layer."
    return Verdict(
        claim=claim,
        status=status,
        sentence=sentence,
        n_prompts=len(kept),
        n_clusters=len(set(kept_names)),
        effect=estimate,
        threshold=float(by_layer if late <= early else not_before),
        margin=min(late, early),
        confidence=confidence if len(kept) > 1 else None,
        metric="top token of the logit lens",
        n_left_out=len(results) - len(known),
        details="\n".join(f"  {line}" for line in kept[0].settled_layer.explain())
        if len(kept) == 1
        else "",
    )


assert_crystallises = asserting(check_crystallises)


def _is_noise(result: LensResult, by_layer: int) -> bool:
    dtype = result.provenance.dtype if result.provenance else "float32"
    from_there = [
        m for n, m in zip(result.layers, result.answer_margin, strict=True) if n >= by_layer
    ]
    return float(min(from_there)) < float_tolerance(dtype).atol
