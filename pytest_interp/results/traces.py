"""Traces of a set of facts, aligned by what a token is to its fact. No torch here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.facts.sets import FactSet, same_prompts
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Axis, Decision, Floats, Result
from pytest_interp.results.control import Control
from pytest_interp.results.roles import role_effect
from pytest_interp.results.tolerances import Tolerance, float_tolerance
from pytest_interp.results.trace import TraceResult

_ONE_WAY = (
    "options",
    "layers",
    "n_layers",
)
_ONE_MODEL = ("fingerprint", "backend", "dtype", "attention", "bos", "seed")
"""What the traces of a set share, of their own and of their provenance."""


@dataclass(frozen=True, eq=False)
class TraceSet(Result):
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

    def __post_init__(self) -> None:
        if not self.traces or not len(self.traces) == len(self.templates) == len(self.ids):
            raise ClaimError(
                f"a trace set needs one template and one id for each of its traces: got "
                f"{len(self.traces)} traces, {len(self.templates)} templates, {len(self.ids)} ids"
            )
        object.__setattr__(self, "provenance", self.traces[0].provenance)
        for name in _ONE_WAY:
            self._must_be_one(name, {getattr(trace, name) for trace in self.traces})
        for name in _ONE_MODEL:
            found = {getattr(trace.provenance, name, None) for trace in self.traces}
            self._must_be_one(name, found)
        if len(set(self.ids)) < len(self.ids):
            raise ClaimError(f"the trace set {self.name!r} has an id twice: {list(self.ids)}")
        same = same_prompts(trace.fact for trace in self.traces)
        if same:
            raise ClaimError(f"the trace set {self.name!r} {same}")

    def _must_be_one(self, field: str, found: set[Any]) -> None:
        if len(found) > 1:
            raise ClaimError(f"the traces of one set differ in {field}: {sorted(map(str, found))}")

    @classmethod
    def of(cls, facts: FactSet, traces: Sequence[TraceResult]) -> Self:
        """Join the traces of a fact set, in its order, with its ids and templates."""
        return cls(
            tuple(traces),
            tuple(fact.template for fact in facts),
            tuple(fact.id for fact in facts),
            name=facts.name,
        )

    def __len__(self) -> int:
        return len(self.traces)

    def __iter__(self) -> Iterator[TraceResult]:
        return iter(self.traces)

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

    def pick(self, indices: Iterable[int]) -> TraceSet:
        """The traces at these indices, with the same controls."""
        chosen = list(indices)
        return replace(
            self,
            traces=tuple(self.traces[i] for i in chosen),
            templates=tuple(self.templates[i] for i in chosen),
            ids=tuple(self.ids[i] for i in chosen),
        )

    def split(self, share: float = 0.5, seed: int = 0) -> tuple[TraceSet, TraceSet]:
        """Two disjoint parts, the first with ``share`` of the facts, drawn by a seed.

        Raises:
            ClaimError: a part would be empty.
        """
        n_first = round(share * len(self))
        if not 0 < n_first < len(self):
            raise ClaimError(f"cannot split {len(self)} facts with share {share}: a part is empty")
        order = np.random.default_rng(seed).permutation(len(self)).tolist()
        return self.pick(sorted(order[:n_first])), self.pick(sorted(order[n_first:]))

    def with_controls(self, *controls: Control) -> TraceSet:
        """The same traces with more controls."""
        return replace(self, controls=(*self.controls, *controls))

    @cached_property
    def positions_differ(self) -> bool:
        """Whether token indices mean different things in different facts."""
        return len({(t.n_positions, t.subject_positions) for t in self.traces}) > 1
