"""Traces of a set of facts, aligned by what a token is to its fact. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pytest_interp.facts.sets import same_prompts
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Axis, Decision, Floats
from pytest_interp.results.control import Control
from pytest_interp.results.roles import role_effect
from pytest_interp.results.sets import ResultSet
from pytest_interp.results.tolerances import Tolerance, float_tolerance
from pytest_interp.results.trace import TraceResult


@dataclass(frozen=True, eq=False)
class TraceSet(ResultSet[TraceResult]):
    """Traces of a fact set, made in one way, from the same weights under the same backend.

    Raises:
        ClaimError: it is empty, its traces were made in different ways, one stands in it twice,
            or ids or templates are not one for each trace.
    """

    traces: tuple[TraceResult, ...]
    templates: tuple[str, ...]
    """Template name of each trace: its cluster."""
    ids: tuple[str, ...]
    controls: tuple[Control, ...] = ()
    """Control runs of the same experiment."""
    name: str = "facts"
    provenance: Provenance | None = field(init=False)
    """How the traces came about: all in one way."""

    _field = "traces"
    _one_way = ("options", "layers", "n_layers")

    def _twice(self) -> str | None:
        return same_prompts(trace.fact for trace in self.traces)

    def effect(self, role: str | int) -> Floats:
        """Effect by role [fact, layer]: of the strongest single token of that role in each fact."""
        return np.stack([role_effect(trace, role) for trace in self.traces])

    def hand_off_layers(self) -> list[int | None]:
        """For each fact the layer of its hand-off (:meth:`TraceResult.hand_off`), or None."""
        return [trace.hand_off()[0] for trace in self.traces]

    def to_json(self) -> dict[str, Any]:
        """Effects by role [fact, layer] and findings, without provenance."""
        first = self.traces[0]
        return {
            "kind": "causal_traces",
            "name": self.name,
            "site": first.site,
            "direction": first.direction,
            "metric": first.metric,
            "corruption": first.corruption,
            "layers": list(first.layers),
            "ids": list(self.ids),
            "templates": list(self.templates),
            "clean_prompts": [trace.fact.clean_prompt for trace in self.traces],
            "corrupt_prompts": [trace.fact.corrupt_prompt for trace in self.traces],
            "hand_off": self.hand_off_layers(),
            "margins": {"hand_off": [round(trace.hand_off()[1], 6) for trace in self.traces]},
            "clean_metric": [round(trace.clean_metric, 5) for trace in self.traces],
            "corrupt_metric": [round(trace.corrupt_metric, 5) for trace in self.traces],
            "subject_effect": np.round(self.effect("subject"), 5).tolist(),
            "last_effect": np.round(self.effect("last"), 5).tolist(),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        near = float_tolerance(self.provenance.dtype if self.provenance else "float32")
        names = ("clean_metric", "corrupt_metric", "subject_effect", "last_effect", "margins")
        return dict.fromkeys(names, near)

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact, layer = Axis("fact", "ids"), Axis("layer", "layers")
        maps = ("subject_effect", "last_effect")
        return {
            **dict.fromkeys(maps, (fact, layer)),
            **dict.fromkeys(("hand_off", "clean_metric", "corrupt_metric"), (fact,)),
        }

    def findings(self) -> Mapping[str, Decision]:
        return {"hand_off": Decision("margins.hand_off")}

    def summary(self) -> str:
        found = [layer for layer in self.hand_off_layers() if layer is not None]
        told = f"hand-off at layer {np.median(found):g} (median)" if found else "no hand-off"
        return f"{len(self)} facts of {self.name!r}: {told}, in {len(found)} of them"

    def with_controls(self, *controls: Control) -> TraceSet:
        """The same traces with more controls."""
        return replace(self, controls=(*self.controls, *controls))

    @cached_property
    def positions_differ(self) -> bool:
        """Whether token indices mean different things in different facts."""
        return len({(t.n_positions, t.subject_positions) for t in self.traces}) > 1
