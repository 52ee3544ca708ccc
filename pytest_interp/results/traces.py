"""Traces of a set of facts, aligned by what a token is to its fact. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pytest_interp.facts.sets import entities_of, same_prompts
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Axis, Decision, Floats, Reading, as_json, dtype_of
from pytest_interp.results.control import Control
from pytest_interp.results.roles import Role, role_effect
from pytest_interp.results.sets import ResultSet
from pytest_interp.results.tolerances import Tolerance, float_tolerance
from pytest_interp.results.trace import TraceResult

_ROLES: tuple[Role, ...] = ("subject", "last")
"""Of these the JSON holds the effects."""


@dataclass(frozen=True, eq=False)
class TraceSet(ResultSet[TraceResult]):
    """Traces of a fact set, made in one way, from the same weights under the same backend.

    Errors as for any :class:`ResultSet`.
    """

    traces: tuple[TraceResult, ...]
    templates: tuple[str, ...]
    """Template name of each trace: its cluster."""
    ids: tuple[str, ...]
    controls: tuple[Control, ...] = ()
    """Control runs of the same experiment."""
    name: str = "facts"
    provenance: Provenance | None = field(init=False)

    _field = "traces"
    _one_way = ("options", "layers", "n_layers")

    def _twice(self) -> str | None:
        return same_prompts(trace.fact for trace in self.traces)

    @property
    def answers(self) -> tuple[frozenset[str], ...]:
        facts = (trace.fact for trace in self.traces)
        return tuple(frozenset((fact.answer, fact.counterfactual_answer)) for fact in facts)

    @property
    def entities(self) -> tuple[frozenset[str], ...]:
        return tuple(entities_of(trace.fact) for trace in self.traces)

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
            **as_json(first, "site", "direction", "metric", "corruption", "layers"),
            **as_json(self, "ids", "templates"),
            "clean_prompts": [trace.fact.clean_prompt for trace in self.traces],
            "corrupt_prompts": [trace.fact.corrupt_prompt for trace in self.traces],
            "hand_off": self.hand_off_layers(),
            "margins": {"hand_off": [round(trace.hand_off()[1], 6) for trace in self.traces]},
            "clean_metric": [round(trace.clean_metric, 5) for trace in self.traces],
            "corrupt_metric": [round(trace.corrupt_metric, 5) for trace in self.traces],
            **{f"{role}_effect": np.round(self.effect(role), 5).tolist() for role in _ROLES},
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        names = ("clean_metric", "corrupt_metric", "subject_effect", "last_effect", "margins")
        return dict.fromkeys(names, float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact, layer = Axis("fact", "ids"), Axis("layer", "layers")
        by_fact = ("hand_off", "clean_metric", "corrupt_metric")
        maps = [f"{role}_effect" for role in _ROLES]
        return dict.fromkeys(by_fact, (fact,)) | dict.fromkeys(maps, (fact, layer))

    def findings(self) -> Mapping[str, Decision]:
        return {"hand_off": Decision("margins.hand_off")}

    def summary(self) -> str:
        return self._median(self.hand_off_layers(), "hand-off at layer", "no hand-off")

    def readings(self) -> tuple[Reading, ...]:
        known = [t.preferences[0] for t in self.traces if t.preferences is not None]
        said = "prefers the answers, in the mean"
        lead = Reading("preference", float(np.mean(known)), "logits", said) if known else None
        layers = [layer for layer in self.hand_off_layers() if layer is not None]
        middle = float(np.median(layers)) if layers else None
        if middle is not None and middle.is_integer():
            middle = int(middle)
        return (*filter(None, (lead,)), Reading("hand-off (median)", middle, "layer"))

    def with_controls(self, *controls: Control) -> TraceSet:
        """The same traces with more controls."""
        return replace(self, controls=(*self.controls, *controls))

    @cached_property
    def positions_differ(self) -> bool:
        """Whether token indices mean different things in different facts."""
        return len({(t.n_positions, t.subject_positions) for t in self.traces}) > 1
