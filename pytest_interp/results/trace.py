"""A causal trace of one fact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.options.trace import Direction, TraceOptions
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import (
    Axis,
    Decision,
    Floats,
    Reading,
    Result,
    Shown,
    as_json,
    dtype_of,
    frozen,
    must_have_shape,
)
from pytest_interp.results.control import Control
from pytest_interp.results.findings import sole_largest
from pytest_interp.results.roles import role_effect
from pytest_interp.results.tolerances import Tolerance, float_tolerance


@dataclass(frozen=True)
class Peak:
    """The cell of a trace with the largest effect."""

    layer: int
    position: int
    token: str
    effect: float


@dataclass(frozen=True, eq=False)
class TraceResult(Result):
    """A causal trace: one kind of site patched at every layer and position, one cell at a time.

    ``recovery`` [layer, position] is (patched - corrupt) / (clean - corrupt): 0 behaves like the
    corrupt prompt, 1 like the clean one, in both directions. ``effect`` counts from the run that
    is patched, so that 0 is "this cell does nothing" in both. Both are NaN where clean and corrupt
    do not differ: undefined, not zero.
    """

    fact: FactPrompt
    options: TraceOptions
    """What was asked."""
    layers: tuple[int, ...]
    str_tokens: tuple[str, ...]
    corrupt_str_tokens: tuple[str, ...]
    corrupted_positions: tuple[int, ...]
    subject_positions: tuple[int, ...]
    clean_metric: float
    corrupt_metric: float
    patched_metric: Floats
    """The metric with each cell patched [layer, position]."""
    n_layers: int | None = None
    """Depth of the model, whichever layers were traced."""
    logit_diffs: tuple[float, float] | None = None
    """Logit of the answer minus that of the counterfactual in the clean and in the corrupt run,
    where the metric is another one; not part of the JSON."""
    provenance: Provenance | None = None
    controls: tuple[Control, ...] = ()
    """Control runs of the same experiment, for verdicts; not part of the JSON."""
    recovery: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patched_metric", frozen(self.patched_metric, float))
        must_have_shape(self, "patched_metric", layer=self.layers, token=self.str_tokens)
        gap = math.nan if self.is_degenerate else self.gap
        recovery = (self.patched_metric - self.corrupt_metric) / gap
        object.__setattr__(self, "recovery", frozen(recovery, float))

    @property
    def site(self) -> str:
        """The name of the patched kind of site."""
        return self.options.site.name

    @property
    def direction(self) -> Direction:
        """``denoise`` or ``noise``."""
        return self.options.direction

    @property
    def metric(self) -> str:
        """The name of the metric."""
        return self.options.metric.name

    @property
    def corruption(self) -> str:
        """The name of the corruption."""
        return self.options.corruption.name

    @property
    def gap(self) -> float:
        """Clean minus corrupt metric: what there is to restore or to destroy."""
        return self.clean_metric - self.corrupt_metric

    @property
    def preferences(self) -> tuple[float, float] | None:
        """By how many logits the clean and the corrupt run prefer the answer; None if not known."""
        if self.metric == "logit_diff":
            return self.clean_metric, self.corrupt_metric
        return self.logit_diffs

    @property
    def is_degenerate(self) -> bool:
        """Whether clean and corrupt are the same up to rounding, so that recovery is undefined."""
        scale = max(abs(self.clean_metric), abs(self.corrupt_metric), 1e-6)
        return not abs(self.gap) > 1e-5 * scale

    @property
    def effect(self) -> Floats:
        """The share of the gap that patching a cell moves [layer, position].

        Recovery when denoising; 1 - recovery when noising.
        """
        return self.recovery if self.direction == "denoise" else 1.0 - self.recovery

    @property
    def peak(self) -> Peak | None:
        """The cell with the largest effect; None where an effect is no number, or two are largest.

        Where clean and corrupt do not differ, no effect is a number.
        """
        if (at := sole_largest(self.effect)) is None:
            return None
        row, position = divmod(at, self.effect.shape[1])
        effect = float(self.effect[row, position])
        return Peak(self.layers[row], position, self.str_tokens[position], effect)

    def hand_off(self) -> tuple[int | None, float]:
        """The first layer from which the last token outdoes the subject to the end.

        By effect, of the strongest token of the subject. None where the last token never does, or
        where an effect of either is no number; beside it the number that decides, in units of
        effect, which is NaN in the second case.
        """
        sides = [role_effect(self, role) for role in ("subject", "last")]
        if not np.isfinite(sides).all():
            return None, math.nan
        lead = sides[0] - sides[1]
        ahead = np.flatnonzero(~(lead < 0))
        start = int(ahead[-1]) + 1 if ahead.size else 0
        # the two layers at which the lead changes its sign decide; the smaller one may flip
        deciding = np.abs(lead[max(start - 1, 0) : start + 1])
        return (self.layers[start] if start < len(lead) else None), float(deciding.min())

    @property
    def n_positions(self) -> int:
        """Tokens in the prompt."""
        return len(self.str_tokens)

    def at(self, layer: int, position: int) -> float:
        """Recovery of one cell, by the layer's own number; negative positions count from the end.

        Raises:
            KeyError: the layer was not traced.
        """
        if layer not in self.layers:
            raise KeyError(f"layer {layer} was not traced; layers are {list(self.layers)}")
        return float(self.recovery[self.layers.index(layer), position])

    def with_controls(self, *controls: Control) -> TraceResult:
        """The same trace with more controls."""
        return replace(self, controls=(*self.controls, *controls))

    def to_json(self) -> dict[str, Any]:
        """Numbers and findings, without provenance."""
        peak = self.peak
        return {
            "kind": "causal_trace",
            **asdict(self.fact),
            **self.options.to_json(),
            **as_json(self, "n_layers", "layers", "str_tokens", "corrupt_str_tokens"),
            **as_json(self, "corrupted_positions", "subject_positions"),
            "peak": peak and as_json(peak, "layer", "position"),
            **as_json(self, "clean_metric", "corrupt_metric", "recovery"),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        floats = ("clean_metric", "corrupt_metric", "recovery")
        return dict.fromkeys(floats, float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        return {"recovery": (Axis("layer", "layers"), Axis("token", "str_tokens"))}

    def shown(self) -> Mapping[str, Shown]:
        """Noising shows the damage, as its figure does: 0 is "this cell does nothing"."""
        return {} if self.direction == "denoise" else {"recovery": Shown("damage", 1.0, -1.0)}

    def findings(self) -> Mapping[str, Decision]:
        how: Literal["largest", "smallest"]
        how = "largest" if self.direction == "denoise" else "smallest"
        return {"peak": Decision("recovery", how)}

    def summary(self) -> str:
        peak = self.peak
        if peak is None:
            why = "clean and corrupt do not differ" if self.is_degenerate else "no cell leads"
            return f"the largest effect is undefined: {why}"
        return f"largest effect {peak.effect:.3f} at layer {peak.layer}, token {peak.token!r}"

    def readings(self) -> tuple[Reading, ...]:
        found = []
        if self.preferences is not None:
            said = f"prefers {self.fact.answer!r} to {self.fact.counterfactual_answer!r}"
            found.append(Reading("preference", self.preferences[0], "logits", said))
        if self.options.site.name.startswith("resid"):  # a fact is handed over within the stream
            found.append(Reading("hand-off", self.hand_off()[0], "layer"))
        elif (peak := self.peak) is not None:
            found.append(Reading("largest effect", peak.layer, "layer"))
        return tuple(found)
