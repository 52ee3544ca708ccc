"""The class of a prompt can be read from what a model holds, beyond what is at the surface."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from pytest_interp.claims.defined import undefined
from pytest_interp.claims.groups import Needed, outcome
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import Terms, number, shown, whole_number
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Estimate, Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.control import Control
from pytest_interp.results.probe import ProbeResult
from pytest_interp.stats.separation import Areas, Floats, area_differences, areas

TEMPLATES_AT_LEAST = 0.6
"""AUROC that fits on the other wordings have to reach: else the probe knows a wording."""


@checking
def check_decodable(
    probe: ProbeResult,
    *,
    auroc_at_least: float = 0.8,
    above: float = 0.1,
    layer: int | None = None,
    baselines: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> Verdict:
    """Check that held-out prompts are told apart, and better than by any baseline.

    The claim is about the increment: it passes where the interval of the AUROC lies above
    ``auroc_at_least``, and the interval of its lead over every baseline above ``above``. Baselines
    are a probe at layer 0, ones on the counts of the tokens and on their mean id (the higher, the
    rarer), and what the model itself shows (its preference to abstain, its confidence). Shuffled
    labels must not be read as well (Hewitt and Liang 2019, arXiv 1909.03368), and where there are
    several wordings, fits on the others must tell the classes apart as well.

    Args:
        probe: what :func:`pytest_interp.probe` returns.
        auroc_at_least: least AUROC, above 0.5.
        above: least lead over the best baseline, in AUROC; 0 or more.
        layer: a layer that was chosen beforehand. By default each prompt is scored at the layer
            that is best on the others.
        baselines: names of the baselines that count; all of the probe by default. ``("layer 0",
            "token counts")`` asks for more than is at the surface, also of a model that says what
            the probe reads.
        confidence: confidence of each interval.

    Raises:
        ClaimError: it is no probe, its layer was not read, it has no such baseline, or an argument
            makes no sense.
    """
    given: object = probe
    if not isinstance(given, ProbeResult):
        raise ClaimError(
            f"expected what probe(adapter, prompts) returns, got {type(probe).__name__}"
        )
    if not 0.5 < number("auroc_at_least", auroc_at_least) <= 1:
        raise ClaimError(f"auroc_at_least={auroc_at_least!r}: give an area above 0.5, as 0.8")
    if not 0 <= number("above", above) < 0.5:
        raise ClaimError(f"above={above!r}: give a lead from 0 to below 0.5, as 0.1")
    terms = Terms(confidence=confidence)
    scores, where = _at(probe, layer)
    names, rows = _chosen(probe, baselines)
    first, second = probe.classes
    counted = "every baseline" if baselines is None else " and ".join(map(str, names))
    claim = (
        f"{first} and {second} can be told apart by a probe at {where}: AUROC at least "
        f"{auroc_at_least:.2f}, and at least {above:.2f} above {counted}"
    )
    verdict = Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=len(probe.ids),
        n_clusters=len(set(probe.templates)),
        threshold=auroc_at_least,
        confidence=terms.confidence,
        metric=f"held-out AUROC, {probe.options.method.replace('_', ' ')}",
    )
    if said := undefined(probe):
        return replace(verdict, sentence=said)
    verdict = replace(verdict, controls=_controls(probe, layer))
    needed = _needed(probe, scores, where, auroc_at_least, above, rows, terms.confidence)
    tightest = min(needed, key=lambda one: one.margin)
    passed = "Held-out prompts are told apart, and better than by any baseline."
    status, sentence = outcome(needed, verdict.controls, passed)
    return replace(
        verdict,
        status=status,
        sentence=sentence,
        effect=tightest.estimate,
        threshold=tightest.limit,
        margin=tightest.margin,
        details="\n".join(["  needed:", *(f"    {one}" for one in needed)]),
    )


assert_decodable = register_claim("decodable")(asserting(check_decodable))


def _at(probe: ProbeResult, layer: int | None) -> tuple[Floats, str]:
    if layer is None:
        return probe.selected, "a layer picked on other prompts"
    if whole_number("layer", layer) not in probe.layers:
        raise ClaimError(
            f"layer={layer}: the probe read layers {probe.layers[0]} to {probe.layers[-1]}"
        )
    return probe.scores[probe.layers.index(layer)], f"{probe.options.site}.{layer}"


def _needed(
    probe: ProbeResult,
    scores: Floats,
    where: str,
    least: float,
    above: float,
    rows: list[int],
    confidence: float,
) -> list[Needed]:
    def one(found: Areas, name: str, i: int = 0) -> Estimate:
        value, low, high = (np.atleast_1d(x)[i].item() for x in (found.area, found.low, found.high))
        return Estimate(value, low, high, name)

    units = probe.units
    needed = [Needed(one(areas(scores, units, confidence), f"AUROC at {where}"), least)]
    leads = area_differences(scores, probe.baseline_scores, units, confidence)
    known = probe.baseline_auroc
    return needed + [
        Needed(one(leads, f"its lead over {name} (AUROC {known[name]:.3f})", i), above)
        for i, name in enumerate(probe.baselines)
        if i in rows
    ]


def _chosen(probe: ProbeResult, names: Sequence[str] | None) -> tuple[list[str], list[int]]:
    """The baselines that count, by name and by row."""
    given: object = probe.baselines if names is None else names
    asked = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else []
    if not asked:
        raise ClaimError(f"baselines={shown(names)}: give a list of names, at least one")
    for name in asked:
        if name not in probe.baselines:
            raise ClaimError(
                f"there is no baseline {name!r}: the probe has {', '.join(probe.baselines)}"
            )
    return asked, [probe.baselines.index(name) for name in asked]


def _controls(probe: ProbeResult, layer: int | None) -> tuple[Control, ...]:
    found = [Control("shuffled labels", probe.p_value, 0.05, "p, at the best of all layers")]
    if (others := probe.template_auroc) is not None:
        # at the claimed layer, or at the one that was picked most often
        at = max(set(probe.picked), key=probe.picked.count) if layer is None else layer
        missing = 1 - float(others[probe.layers.index(at)])
        note = f"1 - AUROC at layer {at}, fitted on the other templates"
        found.append(Control("other wordings", missing, 1 - TEMPLATES_AT_LEAST, note))
    return tuple(found)
