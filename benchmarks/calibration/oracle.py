"""What the truth table says of a claim, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pytest_interp.claims import Verdict
from pytest_interp.planted import PlantedModel

INSIDE, OUTSIDE, NOTHING = 0.8, 0.3, 0.1
"""The defaults of the assertions, restated: the oracle shares no code with them."""
Claim = tuple[str, bool, Callable[[], Verdict]]
"""Its words, whether it is true, and the check."""


@dataclass(frozen=True)
class Case:
    """One claim on one model under one backend."""

    backend: str
    arch: str
    variant: str
    claim: str
    true: bool
    outcome: str
    """``passed``, ``failed``, ``inconclusive`` or ``refused``."""
    seconds: float = 0.0
    """Of processor time, with its share of the experiments."""

    @property
    def false_pass(self) -> bool:
        return not self.true and self.outcome == "passed"

    @property
    def false_fail(self) -> bool:
        return self.true and self.outcome != "passed"


@dataclass(frozen=True)
class Oracle:
    """What the truth table of one site and direction says of a claim."""

    planted: PlantedModel
    site: str
    direction: str

    @property
    def n_layers(self) -> int:
        return self.planted.parameters.n_layers

    @cached_property
    def effect_map(self) -> np.ndarray:
        """True effects [layer, token]."""
        return self.planted.truth.effect(self.site, self.direction)

    @property
    def sharp(self) -> bool:
        """Whether every cell does nothing or all: then its effect is the same in any metric."""
        return bool(np.isin(self.effect_map.round(3), [0.0, 1.0]).all())

    def at(self, position: str) -> str | int:
        """A position as claims write it: what lies between has no name there, but an index."""
        return self.planted.truth.positions["between"][0] if position == "between" else position

    def column(self, position: str) -> np.ndarray:
        """True effect of the best token of a position [layer]."""
        return self.effect_map[:, list(self.planted.truth.positions[position])].max(axis=1)

    def others(self, position: str) -> np.ndarray:
        """True effects of all other tokens [layer, token]."""
        rest = set(range(self.effect_map.shape[1])) - set(self.planted.truth.positions[position])
        return self.effect_map[:, sorted(rest)]

    def localized(self, position: str, span: tuple[int, int], edge: int = 0) -> bool:
        inside = list(range(span[0], span[1] + 1))
        near = range(span[0] - edge, span[1] + edge + 1)
        outside = [layer for layer in range(self.n_layers) if layer not in near]
        own = self.column(position)
        return bool(
            self.planted.knows
            and (own[inside] >= INSIDE).all()
            and (own[outside] <= OUTSIDE).all()
            and (self.others(position)[inside] <= OUTSIDE).all()
        )

    def handoff(self, source: str, target: str, layer: int, within: int = 0) -> bool:
        gives, takes = self.column(source), self.column(target)
        before, after = slice(0, layer - within), slice(layer + within, None)
        return bool(
            self.planted.knows
            and (gives[before] >= INSIDE).all()
            and (takes[before] <= OUTSIDE).all()
            and (gives[after] <= OUTSIDE).all()
            and (takes[after] >= INSIDE).all()
        )

    def effect(self, position: str, layer: int) -> bool:
        return bool(self.planted.knows and self.column(position)[layer] >= INSIDE)

    def no_effect(self, position: str, layer: int) -> bool:
        tokens = self.effect_map[layer, list(self.planted.truth.positions[position])]
        return bool(self.planted.knows and (np.abs(tokens) <= NOTHING).all())

    def somewhere(self, position: str) -> bool:
        """Whether any range of layers is where the fact sits at this position."""
        layers = range(self.n_layers)
        return any(self.localized(position, (a, b)) for a in layers for b in layers[a:])
