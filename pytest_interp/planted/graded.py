"""A mechanism run with amounts of features in place of sets: what adding or removing some does.

It follows one token, the last, and takes from the sets what other tokens send to it. No number
comes from running a network. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pytest_interp.planted.mechanism import Cell, Features, Mechanism, Rule

Amounts = Mapping[str, float]
RAMP = (0.25, 0.5)
"""Where a step begins and ends, below it 0 and above it 1: see ``neurons.wire_rule``. It counts in
features missing from ``at_least``, from 1 - 0.25 to 1 - 0.5 of one."""


@dataclass(frozen=True)
class Edit:
    """What is done to the last token."""

    add: Amounts = field(default_factory=dict)
    """Features, or parts of some, added to ``resid_post`` of ``layer``."""
    layer: int | None = None
    ablate: tuple[Amounts, ...] = ()
    """Directions projected out of everything that is written, at every layer."""


@dataclass(frozen=True)
class Graded:
    """A mechanism, with what its compiled form does to amounts."""

    mechanism: Mechanism
    example: tuple[str, ...]
    """The words whose norms the matrices were compiled for."""
    gated: bool
    """An MLP multiplies two readings of the stream, so that its norm counts twice."""
    ballast: tuple[float, ...]
    """By layer: squared norm, about, of what the last token carries besides features."""

    _known: dict[tuple[str, ...], list[list[tuple[Features, Features]]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def _usual(self) -> tuple[int, ...]:
        """Squared norms that the matrices were compiled for: of ``resid_mid``, then of the end."""
        cells, last = self.mechanism.run(self.example).cells, len(self.example) - 1
        layers = range(self.mechanism.n_layers)
        middle = [len(cells[Cell("resid_mid", layer, last)]) for layer in layers]
        return (*middle, len(cells[Cell("resid_post", layers[-1], last)]))

    def stream(self, prompt: Sequence[str], edit: Edit | None = None) -> list[Amounts]:
        """The last token's ``resid_post`` after each layer."""
        edit = edit or Edit()
        span = self._span(edit.ablate)
        state = _without(dict.fromkeys(self.mechanism.words[prompt[-1]], 1.0), span)
        found: list[Amounts] = []
        for layer, arrivals in enumerate(self._arrivals(tuple(prompt))):
            for source, moved in arrivals:
                # a little less than there is, for the junk beside it
                left = self._square(_without(dict.fromkeys(source, 1.0), span), max(layer - 1, 0))
                amount = float(np.sqrt(len(source) / left))
                state = _plus(state, _without(dict.fromkeys(moved, amount), span))
            scale = self._usual[layer] / self._square(state, layer)
            scale **= 1.0 if self.gated else 0.5
            written: Amounts = {}
            for rule in (r for r in self.mechanism.rules if r.layer == layer):
                written = _plus(written, {rule.writes: scale * fires(rule, state)})
            state = _plus(state, _without(written, span))
            if layer == edit.layer:
                state = _plus(state, edit.add)
            found.append(state)
        return found

    def logits(self, state: Amounts, layer: int = -1) -> Mapping[str, float]:
        """What the final norm and the unembedding read from the last token after a layer."""
        scale = np.sqrt(self._usual[-1] / self._square(state, layer))
        return {
            word: float(scale * sum(w * state.get(feature, 0.0) for feature, w in reads.items()))
            for word, reads in self.mechanism.readout.items()
        }

    def _arrivals(self, prompt: tuple[str, ...]) -> list[list[tuple[Features, Features]]]:
        """By layer: what each head reads for the last token, and what it brings there."""
        if prompt not in self._known:
            course, positions = self.mechanism.run(prompt), range(len(prompt))
            self._known[prompt] = found = []
            for layer in range(self.mechanism.n_layers):
                movers = [m for m in self.mechanism.movers if m.layer == layer]
                before = [course.cells[Cell("resid_pre", layer, i)] for i in positions]
                pairs = [(m.source(before, positions[-1]), m) for m in movers]
                found.append([(source, m.copy(source)) for source, m in pairs if source])
        return self._known[prompt]

    def _square(self, state: Amounts, layer: int) -> float:
        return sum(amount**2 for amount in state.values()) + self.ballast[layer]

    @staticmethod
    def _span(directions: Sequence[Amounts]) -> list[Amounts]:
        """An orthonormal basis of these directions."""
        span: list[Amounts] = []
        for direction in directions:
            rest = _without(direction, span)
            norm = np.sqrt(sum(amount**2 for amount in rest.values()))
            if norm > 1e-9:
                span.append({feature: amount / norm for feature, amount in rest.items()})
        return span


def _plus(state: Amounts, more: Amounts) -> dict[str, float]:
    keys = dict.fromkeys((*state, *more))
    return {key: state.get(key, 0.0) + more.get(key, 0.0) for key in keys}


def _without(state: Amounts, span: Sequence[Amounts]) -> dict[str, float]:
    found = dict(state)
    for direction in span:
        part = sum(amount * found.get(feature, 0.0) for feature, amount in direction.items())
        found = _plus(found, {feature: -part * amount for feature, amount in direction.items()})
    return found


def fires(rule: Rule, state: Amounts) -> float:
    """How much of what it writes a rule adds, at the usual norm."""
    total = sum(state.get(feature, 0.0) for feature in rule.reads)
    if rule.graded:
        return total
    # the flag counts as much as all that is read, and the constant is the unit
    total += len(rule.reads) * (state.get(rule.at, 0.0) - state.get("constant", 0.0))
    low, high = RAMP
    return float(np.clip((total - rule.at_least + 1 - low) / (high - low), 0.0, 1.0))
