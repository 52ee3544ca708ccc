"""The options of steering, as one value from the spec to the result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pytest_interp.errors import ExperimentError, UnknownNameError

Where = Literal["last", "all"]
NEUTRAL: tuple[str, ...] = (
    "The weather in the mountains changes quickly, and walkers should always carry",
    "Water boils at a lower temperature when the pressure of the air is",
    "She opened the old book, turned to the first page, and began to",
    "The train to the coast leaves every hour from the main",
    "Bread is made from flour, water, salt and",
    "In the morning the fishermen pulled their boats onto the",
    "The committee will meet again next week to discuss the",
    "A good night's sleep helps the body to",
)
"""Texts that have nothing to do with what is steered: side effects are measured on these."""


@dataclass(frozen=True, kw_only=True)
class SteerOptions:
    """How a direction is added, and what it is compared with.

    Raises:
        UnknownNameError: unknown positions.
        ExperimentError: no dose, a dose of 0 or one that is not finite, no neutral text, too few
            random directions, or fewer than no texts or one token of them.
    """

    doses: tuple[float, ...] = (-2.0, -1.0, 1.0, 2.0, 4.0)
    """How many times the direction is added. The run without it is always there, as dose 0."""
    layers: tuple[int, ...] | None = None
    """Layers at which it is added; by default the one that it was found at."""
    positions: Where = "last"
    """``last`` adds it at the last token alone, ``all`` at every token."""
    random: int = 20
    """Random directions of the same length that are added in the same way."""
    neutral: tuple[str, ...] = NEUTRAL
    """Texts on which side effects are measured."""
    texts: int = 0
    """So many prompts of each class whose greedy continuation is shown at each dose; 0 for none."""
    text_tokens: int = 8
    """Tokens of a continuation."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.positions not in get_args(Where):
            raise UnknownNameError.of("positions", self.positions, get_args(Where))
        if not self.doses or 0 in self.doses or len(set(self.doses)) < len(self.doses):
            raise ExperimentError(
                f"doses={list(self.doses)}: give at least one, none of them 0 (which is always "
                "there) and each once",
                about="doses",
            )
        if not all(map(math.isfinite, self.doses)):
            raise ExperimentError(f"doses={list(self.doses)}: give finite numbers", about="doses")
        if not self.neutral:
            raise ExperimentError(
                "neutral=(): give at least one text, or side effects would always be none",
                about="neutral",
            )
        if self.texts < 0 or self.text_tokens < 1:
            raise ExperimentError(
                f"texts={self.texts}, text_tokens={self.text_tokens}: give the number of prompts "
                "of each class (0 for none), and at least one token",
                about="texts" if self.texts < 0 else "text_tokens",
            )
        if self.random < 20:
            raise ExperimentError(
                f"random={self.random}: give at least 20 random directions, or a claim about the "
                "band that they span means little",
                about="random",
            )
        object.__setattr__(self, "doses", tuple(sorted(map(float, self.doses))))

    @property
    def all_doses(self) -> tuple[float, ...]:
        """The doses, 0 among them, ascending."""
        return tuple(sorted((0.0, *self.doses)))

    def to_json(self) -> dict[str, Any]:
        """As the JSON of a result has them; doses, layers and texts are not among them."""
        return {"positions": self.positions, "random": self.random, "seed": self.seed}
