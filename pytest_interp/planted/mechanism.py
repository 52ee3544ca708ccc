"""What a planted model does, as a small causal model over sets of features. No torch here.

The state at a token is the set of features present there. An attention head moves features
between tokens; an MLP rule adds one where enough others are. The weights are compiled from this
description (:mod:`pytest_interp.planted.wiring`). The truth is derived from it by interchange
interventions (:mod:`pytest_interp.planted.truth`; Geiger et al. 2021, "Causal abstractions of
neural networks", arXiv:2106.02997). No number of the truth comes from running the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Features = frozenset[str]
NONE: Features = frozenset()


class Cell(NamedTuple):
    """One place where an activation can be read or replaced. ``head`` only for site ``head``."""

    site: str
    layer: int
    position: int
    head: int | None = None


@dataclass(frozen=True)
class Mover:
    """An attention head: a token with ``query`` reads the last token with ``key``.

    It copies each feature of ``moves`` found there, under its new name, unless the reading token
    already has one of ``unless``.
    """

    role: str
    layer: int
    head: int
    query: str
    key: str
    moves: Mapping[str, str]
    unless: tuple[str, ...] = ()
    recent: bool = False
    """Several tokens may carry ``key``: the head tells the last of them by its distance."""
    matches: Mapping[str, str] = field(default_factory=dict)
    """Features of the reading token -> features of the key. Where given, only a key is read that
    has the feature that goes with one of the reading token's. At most one does."""
    otherwise: str | None = None
    """What is read where no key matches: the tokens with this flag, of which ``moves`` copies the
    flag itself."""
    weighs: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(feature of the reading token, feature of the key) -> how much the pair counts. Where given,
    the key is read whose pairs count most, and of equals the last."""
    early: bool = False
    """Of equals by ``weighs`` the first is read."""
    back: int | None = None
    """The head reads the token so many before; the first tokens, which have none, themselves."""

    def source(self, state: Sequence[Features], position: int) -> Features:
        """What the head reads from one token, given the state before its layer."""
        here = state[position]
        if self.query not in here or not here.isdisjoint(self.unless):
            return NONE
        if self.back is not None:
            return state[position - self.back if position >= self.back else position]
        seen = state[: position + 1]
        sources = [s for s in seen if self.key in s]
        if self.weighs:
            ordered = sources if self.early else reversed(sources)
            return max(ordered, key=lambda s: self._weight(here, s), default=NONE)
        if self.matches:
            wanted = {key for feature, key in self.matches.items() if feature in here}
            sources = [s for s in sources if s & wanted] or [s for s in seen if self.otherwise in s]
        return sources[-1] if sources else NONE

    def _weight(self, here: Features, source: Features) -> float:
        return sum(w for (a, b), w in self.weighs.items() if a in here and b in source)

    def output(self, state: Sequence[Features], position: int) -> Features:
        """What the head adds at one token, given the state before its layer."""
        return self.copy(self.source(state, position))

    def copy(self, source: Features) -> Features:
        """What the head takes from a token that it reads."""
        return frozenset(self.moves[f] for f in source & self.moves.keys())


@dataclass(frozen=True)
class Rule:
    """A step of an MLP: a token with ``at`` and ``at_least`` of ``reads`` gets ``writes``."""

    role: str
    layer: int
    at: str
    reads: tuple[str, ...]
    at_least: int
    writes: str
    graded: bool = False
    """It reads one feature, of which it passes on as much as there is: twice as much, half as much,
    or less than nothing."""

    def output(self, here: Features) -> Features:
        """What the rule adds at one token, given the state after the layer's attention."""
        fires = self.at in here and len(here & set(self.reads)) >= self.at_least
        return frozenset((self.writes,)) if fires else NONE


@dataclass(frozen=True)
class Course:
    """One run of it: features at every cell, and scores of the words at the last token."""

    cells: Mapping[Cell, Features]
    scores: Mapping[str, float]
    scores_by_layer: tuple[Mapping[str, float], ...]
    """The same readout of the last token after each layer: the logit lens."""


@dataclass(frozen=True)
class Mechanism:
    """The whole description: what words carry, what the layers do, what the readout reads."""

    n_layers: int
    n_heads: int
    words: Mapping[str, Features]
    movers: tuple[Mover, ...]
    rules: tuple[Rule, ...]
    readout: Mapping[str, Mapping[str, float]]
    """Word -> feature -> weight."""

    def run(self, words: Sequence[str], patches: Mapping[Cell, Features] | None = None) -> Course:
        """Run the description on a prompt, replacing the cells in ``patches``."""
        patches = patches or {}
        seen: dict[Cell, Features] = {}

        def at(site: str, layer: int, position: int, found: Features) -> Features:
            cell = Cell(site, layer, position)
            return seen.setdefault(cell, patches.get(cell, found))

        state = [self.words[word] for word in words]
        positions = range(len(words))
        lens = []
        for layer in range(self.n_layers):
            state = [at("resid_pre", layer, p, state[p]) for p in positions]
            moved = [NONE] * len(words)
            for mover in (m for m in self.movers if m.layer == layer):
                for p in positions:
                    cell = Cell("head", layer, p, mover.head)
                    seen[cell] = patches.get(cell, mover.output(state, p))
                    moved[p] |= seen[cell]
            middle = [state[p] | at("attn_out", layer, p, moved[p]) for p in positions]
            middle = [at("resid_mid", layer, p, middle[p]) for p in positions]
            rules = [r for r in self.rules if r.layer == layer]
            for p in positions:
                written = NONE.union(*(rule.output(middle[p]) for rule in rules))
                state[p] = middle[p] | at("mlp_out", layer, p, written)
            state = [at("resid_post", layer, p, state[p]) for p in positions]
            lens.append(self.read(state[-1]))
        return Course(seen, lens[-1], tuple(lens))

    def read(self, here: Features) -> Mapping[str, float]:
        """Score of every word that the readout knows, from the features at one token."""
        return {
            word: sum(weight for feature, weight in reads.items() if feature in here)
            for word, reads in self.readout.items()
        }
