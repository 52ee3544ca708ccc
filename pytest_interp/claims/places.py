"""Which place a claim is about: its site, its layers, and the layers that were not traced."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_interp.adapters.sites import SiteAt, parse_site
from pytest_interp.claims.evidence import Evidence
from pytest_interp.claims.terms import shown, whole_number
from pytest_interp.errors import ClaimError

Layers = range | tuple[int, int] | int


def parse_place(evidence: Evidence, site: str) -> SiteAt:
    """Read ``kind@position`` and check that the traces are of that kind of site.

    Raises:
        ClaimError: another form, another kind than was traced, or an index into prompts that
            differ in length.
    """
    if not isinstance(site, str):
        raise ClaimError(f"a site is a text such as 'resid_post@subject', got {site!r}")
    place, traced = parse_site(site), evidence.any_trace.site
    if place.layer is not None or place.head is not None:
        raise ClaimError(
            f"write the site {site!r} without a number, as {place.kind!s}@{place.position}: "
            "layer_range says which layers are meant"
        )
    if place.kind.name != traced:
        raise ClaimError(
            f"the claim is about '{place.kind}', but the trace patched {traced!r}: "
            f"trace with site='{place.kind}'"
        )
    if isinstance(place.position, int) and evidence.asked.positions_differ:
        raise ClaimError(
            f"token {place.position} means different things in prompts of different shape: use "
            "subject, subject_last or last"
        )
    return place


def layer_span(evidence: Evidence, layer_range: Layers) -> tuple[int, ...]:
    """The layers of a range, or of an inclusive pair, all of them traced.

    Raises:
        ClaimError: it is no range, is empty, steps over layers, or has layers that were not
            traced.
    """
    return layers_listed(evidence.layers, layer_range)


def layers_listed(measured: Sequence[int], layer_range: Layers) -> tuple[int, ...]:
    """The same for a result with these layers. Errors as for :func:`layer_span`."""
    if isinstance(layer_range, range):
        span = layer_range
    else:
        pair = layer_range if isinstance(layer_range, (tuple, list)) else (layer_range,) * 2
        if len(pair) != 2:
            raise ClaimError(
                f"layer_range={shown(layer_range)}: give a range, the first and the last layer as "
                "a pair, or one layer"
            )
        first, last = (whole_number("layer_range", layer) for layer in pair)
        span = range(first, last + 1)
    if not span or span.step != 1:
        forms = "give a range with step 1, or the first and the last layer as a pair"
        given = shown(layer_range)
        raise ClaimError(f"layer_range {given} holds no layers, or skips some: {forms}")
    # before anything is listed: a range may name more layers than memory holds
    traced = [layer for layer in measured if layer in span]
    after = [layer + 1 for layer in traced]
    gaps = [
        (first, last)
        for first, last in zip([span[0], *after], [*(n - 1 for n in traced), span[-1]], strict=True)
        if first <= last
    ]
    if gaps:
        absent = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in gaps)
        raise ClaimError(
            f"layers {absent} of layer_range {shown(layer_range)} were not traced; the trace "
            f"has layers {in_runs(measured)}"
        )
    return tuple(span)


def must_be_traced(evidence: Evidence, layers: Sequence[int], why: str) -> None:
    """Raise a ClaimError, which names the layers to trace, unless all of these were traced."""
    top = evidence.n_layers
    beyond = [n for n in layers if n < 0 or (top is not None and n >= top)]
    if beyond:
        raise ClaimError(
            f"{why}, and the model has no layer {in_runs(beyond)}: claim less, or leave fewer "
            "layers open"
        )
    absent = [n for n in layers if n not in evidence.layers]
    if absent:
        depth = "an unknown number of" if top is None else top
        raise ClaimError(
            f"{why}: trace layer {in_runs(absent)} too. The trace has layers "
            f"{in_runs(evidence.layers)} of a model with {depth} layers (TraceResult.n_layers)"
        )


def not_traced(evidence: Evidence) -> str:
    """The part of a claim's sentence that names layers not traced; empty if there are none."""
    top = evidence.n_layers
    if top is None:
        return "; the depth of the model is not known"
    missing = [layer for layer in range(top) if layer not in evidence.layers]
    return f"; not traced: {layers_in_words(missing)}" if missing else ""


def layers_in_words(layers: Sequence[int]) -> str:
    """Layers as they are spoken: ``layer 3``, ``layers 0 to 2``."""
    return f"layer{'' if len(layers) == 1 else 's'} {in_runs(layers)}"


def in_runs(layers: Sequence[int]) -> str:
    """Ascending layers with runs of them joined: ``0 to 2, 5``."""
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]} to {r[-1]}" for r in runs(layers))


def runs(layers: Sequence[int]) -> list[Sequence[int]]:
    """Ascending layers, cut where one does not follow the one before."""
    starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(layers)) if b != a + 1), len(layers)]
    return [layers[start:end] for start, end in pairwise(starts)]
