"""Traces of a set of facts, aligned by what a token is to its fact. No torch here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from pytest_interp.controls import Control
from pytest_interp.errors import ClaimError
from pytest_interp.factsets import FactSet, same_prompts
from pytest_interp.provenance import Provenance
from pytest_interp.results import Floats, TraceResult
from pytest_interp.tolerances import Tolerance, float_tolerance

Role = Literal[
    "before", "subject", "subject_first", "subject_last", "subject_rest", "between", "last"
]
"""What a token is to a fact. ``subject_rest`` is the subject without its last token; ``between``
lies after the subject and before the last token."""


def role_positions(trace: TraceResult, role: str | int) -> tuple[int, ...]:
    """Token positions of a role, or of an index; negative indices count from the end.

    Raises:
        ClaimError: the prompt has no such position, or the role is unknown.
    """
    n, subject = trace.n_positions, trace.subject_positions
    if isinstance(role, int):
        if not -n <= role < n:
            raise ClaimError(
                f"position {role} is outside of the prompt, which has {n} tokens "
                f"{list(trace.str_tokens)}"
            )
        return (role % n,)
    roles: dict[str, tuple[int, ...]] = {
        # what comes before the first corrupted token is the same in both runs
        "before": tuple(range(min(trace.corrupted_positions), subject[0])),
        "subject": subject,
        "subject_first": subject[:1],
        "subject_last": subject[-1:],
        "subject_rest": subject[:-1],
        "between": tuple(range(subject[-1] + 1, n - 1)),
        "last": (n - 1,),
    }
    if role not in roles:
        raise ClaimError(f"unknown position {role!r}: use {', '.join(roles)} or a token index")
    return roles[role]


def role_effect(trace: TraceResult, role: str | int, *, either_way: bool = False) -> Floats:
    """Effect of the best single token of a role [layer]; NaN where the role has no token.

    One cell is patched at a time, so "the subject" is its strongest token at each layer: a fact
    that needs two tokens at once shows on neither. With ``either_way`` the strongest token is the
    one furthest from 0, on whichever side.
    """
    positions = list(role_positions(trace, role))
    if not positions:
        return np.full(len(trace.layers), np.nan)
    effects = trace.effect[:, positions]
    # where a number is NaN, both name it
    best = np.argmax(np.abs(effects) if either_way else effects, axis=1)
    found: Floats = np.take_along_axis(effects, best[:, None], axis=1)[:, 0]
    return found


def _hand_off(lead: Floats) -> tuple[int | None, float]:
    """Index of the first layer from which the lead stays negative, and by how much it is decided.

    Args:
        lead: effect of the subject minus that of the last token [layer].
    """
    ahead = np.flatnonzero(~(lead < 0))
    start = int(ahead[-1]) + 1 if ahead.size else 0
    # the two layers at which the lead changes its sign decide; the smaller one may flip
    deciding = np.abs(lead[max(start - 1, 0) : start + 1])
    return (start if start < len(lead) else None), float(deciding.min())


_ONE_WAY = (
    "site",
    "direction",
    "metric",
    "corruption",
    "samples",
    "noise_scale",
    "layers",
    "n_layers",
)
_ONE_MODEL = ("fingerprint", "backend", "dtype", "attention", "bos", "seed")
"""What the traces of a set share, of their own and of their provenance."""


@dataclass(frozen=True, eq=False)
class TraceSet:
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

    def __post_init__(self) -> None:
        if not self.traces or not len(self.traces) == len(self.templates) == len(self.ids):
            raise ClaimError(
                f"a trace set needs one template and one id for each of its traces: got "
                f"{len(self.traces)} traces, {len(self.templates)} templates, {len(self.ids)} ids"
            )
        for field in _ONE_WAY:
            found = {getattr(trace, field) for trace in self.traces}
            self._must_be_one(field, found)
        for field in _ONE_MODEL:
            found = {getattr(trace.provenance, field, None) for trace in self.traces}
            self._must_be_one(field, found)
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

    @property
    def provenance(self) -> Provenance | None:
        """How the traces came about: all in one way."""
        return self.traces[0].provenance

    def hand_off_layers(self) -> list[int | None]:
        """For each fact the first layer from which the last token outdoes the subject to the end.

        None where it never does. By effect, of the strongest token of the subject.
        """
        found = (_hand_off(lead)[0] for lead in self._lead())
        return [None if i is None else self.traces[0].layers[i] for i in found]

    def _lead(self) -> Floats:
        lead: Floats = self.effect("subject") - self.effect("last")
        return lead

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
            "margins": {"hand_off": [round(_hand_off(lead)[1], 6) for lead in self._lead()]},
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
