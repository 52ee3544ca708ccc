"""A mechanism run with amounts of features at every token, in place of sets. No torch here.

It does what the compiled heads and rules do to amounts, so that what is left of a feature after an
ablation, or what a mean over prompts makes of it, has a stated effect. Of everything else in the
network, junk and distractors, it knows about how much there is, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.planted.blocks import Shape, first_with
from pytest_interp.planted.features import Array, feature_names
from pytest_interp.planted.graded import fires
from pytest_interp.planted.heads import Reading, match_size, matching, source_scale
from pytest_interp.planted.mechanism import Cell, Course, Mechanism, Mover, Rule
from pytest_interp.planted.wiring import CLOCKS, ballast, clock_hands

SLACK = (15.0, 0.012)
"""Attention is stated where no other key comes so near to the best: 15, and 1.2 % of the score.
Norms of tokens that do the same differ by less."""
Values = Mapping[int, Array]
"""Position -> what is there."""


@dataclass(frozen=True)
class Flow:
    """One run."""

    parts: Mapping[Component, Array]
    """``embed``, ``head`` and ``mlp_out``: what each adds to the stream, ``[position, feature]``;
    ``q``, ``k`` and ``v`` of working heads, ``[position, head_dim]``."""
    patterns: Mapping[Component, Array]
    """Attention of each working head, ``[query, key]``; NaN where it is not stated."""
    scores: Mapping[str, float]
    """Logits of the words that are read out, at the last token."""


@dataclass(frozen=True)
class Machine:
    """A mechanism as it was compiled."""

    mechanism: Mechanism
    shape: Shape
    example: tuple[str, ...]
    """The words whose norms the matrices were compiled for."""

    @property
    def components(self) -> tuple[Component, ...]:
        """Every head and every MLP, the distractors included, in the order in which they run."""
        found = []
        for layer in range(self.shape.n_layers):
            found += [Component("head", layer, head) for head in range(self.shape.n_heads)]
            found.append(Component("mlp_out", layer))
        return tuple(found)

    def run(self, words: Sequence[str], replaced: Mapping[Component, Values] | None = None) -> Flow:
        """Run on a prompt, with the values of some parts replaced at some positions."""
        if not replaced:
            known = tuple(words)
            if known not in self._plain:
                self._plain[known] = self._run(known, {})
            return self._plain[known]
        return self._run(words, replaced)

    def _run(self, words: Sequence[str], replaced: Mapping[Component, Values]) -> Flow:
        parts = {EMBED: self._embedded(words)}
        patterns: dict[Component, Array] = {}

        def part(component: Component, value: Array) -> Array:
            for position, other in replaced.get(component, {}).items():
                value[position] = other
            parts[component] = value
            return value

        state = part(EMBED, parts[EMBED]).copy()
        for layer in range(self.shape.n_layers):
            before = state.copy()
            for mover in (m for m in self.mechanism.movers if m.layer == layer):
                head = Component("head", layer, mover.head)
                query, key, value = (
                    part(name, found) for name, found in self.inputs(mover, before).items()
                )
                patterns[head], written = self._attend(mover, query, key, value)
                state += part(head, written)
            if self._rules(layer):
                state += part(Component("mlp_out", layer), self.written(layer, state))
        return Flow(parts, patterns, self.read(state[-1]))

    def stream(self, flow: Flow, layer: int, after_heads: bool = False) -> Array:
        """What a layer reads: the sum of all that was written before, ``[position, feature]``."""
        total = flow.parts[EMBED].copy()
        for component, value in flow.parts.items():
            at = component.layer
            if component.kind == "head" and at is not None and at < layer + after_heads:
                total += value
            if component.kind == "mlp_out" and at is not None and at < layer:
                total += value
        return total

    def inputs(self, mover: Mover, stream: Array) -> dict[Component, Array]:
        """Queries, keys and values of a head, from the stream before its layer."""
        head, kv = mover.head, mover.head * self.shape.n_kv_heads // self.shape.n_heads
        normed = stream * self._norm(stream, mover.layer - 1)[:, None]
        found, size = matching(mover, self.shape), match_size(mover, self.shape, self._course)
        moved = np.zeros((len(stream), self.shape.head_dim))
        moved[:, : len(mover.moves)] = normed[:, [self._index[f] for f in mover.moves]]
        return {
            Component("q", mover.layer, head): size * normed @ self._matrix(found.query).T,
            Component("k", mover.layer, kv): size * normed @ self._matrix(found.key).T,
            Component("v", mover.layer, kv): moved,
        }

    def written(self, layer: int, stream: Array) -> Array:
        """What the MLP of a layer adds, from the stream after the layer's heads."""
        out = np.zeros_like(stream)
        for rule in self._rules(layer):
            usual = len(first_with(rule.at, self._course, "resid_mid", layer))
            for position in np.flatnonzero(stream[:, self._index[rule.at]] > 0.5):
                here = stream[position]
                scale = usual / self._square(here, layer)
                amount = fires(rule, dict(zip(self._index, here, strict=True)))
                power = 1.0 if self.shape.gated else 0.5
                out[position, self._index[rule.writes]] += scale**power * amount
        return out

    def read(self, last: Array, norm_of: Array | None = None) -> Mapping[str, float]:
        """Logits from the last token, by the norm that another one has, if one is given."""
        layer = self.shape.n_layers - 1
        usual = len(self._course.cells[Cell("resid_post", layer, len(self.example) - 1)])
        scale = np.sqrt(usual / self._square(last if norm_of is None else norm_of, layer))
        return {
            word: float(scale * sum(w * last[self._index[f]] for f, w in reads.items()))
            for word, reads in self.mechanism.readout.items()
        }

    @cached_property
    def _plain(self) -> dict[tuple[str, ...], Flow]:
        """Runs in which nothing was replaced, which are asked for again and again."""
        return {}

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(feature_names(self.mechanism))}

    @cached_property
    def _course(self) -> Course:
        return self.mechanism.run(self.example)

    def _rules(self, layer: int) -> list[Rule]:
        return [rule for rule in self.mechanism.rules if rule.layer == layer]

    def _source(self, mover: Mover) -> float:
        return source_scale(mover, self.shape, self._course)

    def _embedded(self, words: Sequence[str]) -> Array:
        state = np.zeros((len(words), len(self._index)))
        for position, word in enumerate(words):
            state[position, [self._index[f] for f in self.mechanism.words[word]]] = 1.0
        for hands, speed in CLOCKS.items():
            if hands[0] in self._index and not self.shape.rotary:
                state[:, [self._index[hand] for hand in hands]] = clock_hands(speed, len(words))
        return state

    def _matrix(self, reading: Reading) -> Array:
        found = np.zeros((self.shape.head_dim, len(self._index)))
        for dim, weights in reading.items():
            found[dim, [self._index[f] for f in weights]] = list(weights.values())
        return found

    def _square(self, here: Array, layer: int) -> float:
        return float((here**2).sum() + ballast(self.shape, layer))

    def _norm(self, stream: Array, layer: int) -> Array:
        squares = (stream**2).sum(axis=1) + ballast(self.shape, layer)
        return np.asarray(np.sqrt(self.shape.d_model / squares))

    def _attend(self, mover: Mover, query: Array, key: Array, value: Array) -> tuple[Array, Array]:
        """The pattern of a head, and what it adds to the stream."""
        shape, n = self.shape, len(query)
        if shape.qk_norm:
            size = np.sqrt(matching(mover, shape).score_if_normed * np.sqrt(shape.head_dim))
            query, key = (
                size * x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
                for x in (query, key)
            )
        if shape.rotary:
            query, key = (_turned(x, shape) for x in (query, key))
        scores = query @ key.T / np.sqrt(shape.head_dim)
        scores[np.triu_indices(n, 1)] = -np.inf
        best = scores.max(axis=1, keepdims=True)
        weights = np.exp(scores - best)
        weights /= weights.sum(axis=1, keepdims=True)
        absolute, relative = SLACK
        near = scores > best - absolute - relative * np.abs(best)
        mixed = weights @ value
        for row in np.flatnonzero(near.sum(axis=1) > 1):
            if np.ptp(value[near[row]], axis=0).max() > 0.05 * np.abs(value).max():
                mixed[row] = np.nan
            weights[row] = np.nan
        return weights, self._out(mover, mixed)

    def _out(self, mover: Mover, mixed: Array) -> Array:
        out = np.zeros((len(mixed), len(self._index)))
        source = self._source(mover)
        for i, target in enumerate(mover.moves.values()):
            out[:, self._index[target]] += mixed[:, i] / source
        return out


EMBED = Component("embed")


def _turned(x: Array, shape: Shape) -> Array:
    half = shape.head_dim // 2
    speeds = np.array([shape.speed_of(dim) for dim in range(half)])
    angles = np.arange(len(x))[:, None] * speeds
    one, other = x[:, :half], x[:, half:]
    return np.concatenate(
        [one * np.cos(angles) - other * np.sin(angles),
         other * np.cos(angles) + one * np.sin(angles)], axis=1
    )  # fmt: skip
