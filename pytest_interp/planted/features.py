"""Directions of the residual stream that stand for features. No torch here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_interp.planted.mechanism import Mechanism

Array = NDArray[np.float64]
MIN_JUNK, N_QUIET = 12, 3
"""Directions kept free for what the distractors read and write, and for biases."""
CLOCK = ("clock:cos", "clock:sin")
FAST_CLOCK = ("fast:cos", "fast:sin")
"""What learned position embeddings say of the position: the hands of a slow clock, and of a fast
one where neighbours must be told apart."""


@dataclass(frozen=True)
class Basis:
    """Orthonormal directions, all orthogonal to the all-ones vector, none aligned with an axis.

    Orthogonal to ones, so that the mean that LayerNorm subtracts is 0.
    """

    directions: dict[str, Array]
    """Feature -> ``[d_model]``."""
    junk: Array
    """``[n_junk, d_model]``: what distractors read and write."""
    private_junk: Array
    """``[n_private, d_model]``: what tells tokens apart without meaning; nothing writes it."""
    quiet: Array
    """``[n_quiet, d_model]``: nothing reads it; biases write there."""

    def sum(self, features: Iterable[str]) -> Array:
        """Sum of the directions of some features, ``[d_model]``."""
        return np.asarray(np.sum([self.directions[f] for f in features], axis=0))

    def combine(self, weights: Mapping[str, float]) -> Array:
        """Sum of the directions of some features, each as often as it says, ``[d_model]``."""
        parts = [weight * self.directions[f] for f, weight in weights.items()]
        return np.asarray(np.sum(parts, axis=0))

    def rows(self, features: Sequence[str]) -> Array:
        """Directions of some features, ``[n, d_model]``."""
        return np.stack([self.directions[f] for f in features])


def feature_names(mechanism: Mechanism) -> tuple[str, ...]:
    """Every feature that a mechanism mentions."""
    names = {feature for found in mechanism.words.values() for feature in found}
    for mover in mechanism.movers:
        names |= {mover.query, mover.key, *mover.moves, *mover.moves.values(), *mover.unless}
        names |= {
            *mover.matches,
            *mover.matches.values(),
            *((mover.otherwise,) if mover.otherwise else ()),
            *(feature for pair in mover.weighs for feature in pair),
        }
        names |= set(CLOCK) if mover.recent or mover.early or mover.back is not None else set()
        names |= set(FAST_CLOCK) if mover.back is not None else set()
    for rule in mechanism.rules:
        names |= {rule.at, rule.writes, *rule.reads}
    names |= {feature for reads in mechanism.readout.values() for feature in reads}
    return tuple(sorted(names))


def width_needed(mechanism: Mechanism) -> int:
    """Smallest residual width that holds the features, the junk and the all-ones vector."""
    return len(feature_names(mechanism)) + MIN_JUNK + N_QUIET + 1


def random_basis(mechanism: Mechanism, d_model: int, rng: np.random.Generator) -> Basis:
    """A basis for the features of a mechanism; what remains of the space is junk."""
    frame = rng.normal(size=(d_model, d_model))
    frame[:, 0] = 1.0
    rows = np.linalg.qr(frame)[0].T[1:]
    names = feature_names(mechanism)
    rest = rows[len(names) :]
    quiet, private, junk = np.split(rest, [N_QUIET, N_QUIET + len(rest) // 3])
    return Basis(dict(zip(names, rows, strict=False)), junk, private, quiet)
