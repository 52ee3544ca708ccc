"""How much each head attends as an induction head would. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import (
    Axis,
    Floats,
    Reading,
    Result,
    as_json,
    dtype_of,
    frozen,
    must_have_shape,
)
from pytest_interp.results.named_heads import head_in
from pytest_interp.results.over_facts import rounded
from pytest_interp.results.tolerances import Tolerance, float_tolerance

Score = Literal["induction", "previous_token", "duplicate_token"]
SCORES: tuple[Score, ...] = get_args(Score)


@dataclass(frozen=True, eq=False, kw_only=True)
class HeadScores(Result):
    """Scores of every head on sequences of random tokens, twice over.

    Arrays are [sequence, layer, head], shares of attention from 0 to 1.
    """

    n: int
    """Sequences."""
    length: int
    """Tokens of one copy."""
    seed: int
    bos: bool
    """Whether each sequence began with the token that begins a text."""
    layers: tuple[int, ...]
    induction: Floats
    """From each token of the second copy to the one that followed it in the first."""
    previous_token: Floats
    """From each random token to the one before."""
    duplicate_token: Floats
    """From each token of the second copy to itself in the first."""
    induction_unrepeated: Floats
    """The induction score where the second copy is other random tokens."""
    duplicate_token_unrepeated: Floats
    """The duplicate-token score where the second copy is other random tokens."""
    two_back: Floats
    """From each random token to the one before the previous one."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in (*SCORES, "induction_unrepeated", "duplicate_token_unrepeated", "two_back"):
            array = frozen(getattr(self, name), float)
            object.__setattr__(self, name, array)
            axes = {"sequence": range(self.n), "layer": self.layers}
            must_have_shape(self, name, **axes, head=range(self.n_heads))

    @property
    def n_heads(self) -> int:
        """Heads of a layer."""
        return int(self.induction.shape[-1])

    def score(self, name: Score) -> Floats:
        """A score by its name [sequence, layer, head]."""
        return cast(Floats, getattr(self, name))

    def control(self, name: Score) -> Floats:
        """What that score is where there is nothing to find [sequence, layer, head]."""
        return {
            "induction": self.induction_unrepeated,
            "previous_token": self.two_back,
            "duplicate_token": self.duplicate_token_unrepeated,
        }[name]

    def place(self, head: Component | str) -> tuple[int, int]:
        """Row and column of a head in the maps [layer, head].

        Raises:
            ClaimError: it is no head, or one that the model lacks.
        """
        return head_in(head, self.layers, self.n_heads)

    def leading(self, name: Score, at_least: float = 0.4) -> dict[str, float]:
        """The heads that reach a mean score, the highest first, with it.

        0.4 is the usual threshold for induction heads.
        """
        mean = self.score(name).mean(0)
        order = np.argsort(-mean, axis=None, kind="stable")
        rows, heads = (x.tolist() for x in np.unravel_index(order, mean.shape))
        found = {
            f"head.{self.layers[row]}.{head}": float(mean[row, head])
            for row, head in zip(rows, heads, strict=True)
        }
        return {head: value for head, value in found.items() if value >= at_least}

    def to_json(self) -> dict[str, Any]:
        """Means over sequences by layer and head, and the largest control; no provenance."""
        return {
            "kind": "induction_scores",
            **as_json(self, "n", "length", "seed", "bos", "layers"),
            "heads": list(range(self.n_heads)),
            **{name: rounded(self.score(name).mean(0)) for name in SCORES},
            "largest_control": {name: rounded(self.control(name).mean(0).max()) for name in SCORES},
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        return dict.fromkeys((*SCORES, "largest_control"), float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        return dict.fromkeys(SCORES, (Axis("layer", "layers"), Axis("head", "heads")))

    def summary(self) -> str:
        said = []
        for name in SCORES:
            found = self.leading(name)
            kind, most = name.replace("_", "-"), next(iter(self.leading(name, -np.inf)), "none")
            said.append(f"{len(found)} {kind} heads, the highest {most}")
        return f"at 0.4 or more, {'; '.join(said)}"

    def readings(self) -> tuple[Reading, ...]:
        return tuple(
            Reading(f"{name.replace('_', '-')} heads", len(self.leading(name)), "of 0.4 or more")
            for name in SCORES
        )
