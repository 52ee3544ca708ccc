"""The options of ablations and circuits, as one value from the spec to the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.options.metrics import LOGIT_DIFF, Metric, metric_of

Kind = Literal["zero", "mean", "resample"]
KINDS: tuple[Kind, ...] = get_args(Kind)
KINDS_IN_WORDS = (
    "'zero', 'mean' over the prompts of reference=, or 'resample' from one of these prompts"
)
FEWEST_RANDOM = 5
"""Random sets whose median says something."""
MOST_RANDOM = 10_000
"""More say no more, and drawing them would not end."""


@dataclass(frozen=True, kw_only=True)
class AblationOptions:
    """What takes the place of what is ablated, and where.

    Raises:
        UnknownNameError: an unknown kind or metric.
        ExperimentError: a number that makes no sense.
    """

    kind: Kind = "mean"
    """``zero``; ``mean`` over the reference prompts, at each position; or ``resample``: what one
    reference prompt holds, drawn for each fact."""
    positions: str | int = "all"
    """Tokens at which it is ablated: ``all``, ``first``, ``last``, ``subject``,
    ``subject_first``, ``subject_last``, ``between`` (after the subject and before the last token),
    the text of a token, or an index."""
    # a factory: pydantic cannot write objects as defaults into a JSON Schema
    metric: Metric = field(default_factory=lambda: LOGIT_DIFF)
    over_positions: bool = False
    """Take the mean over all tokens of the reference prompts, which may then have any length."""
    draws: int = 4
    """Reference prompts drawn for each fact, over which resampled values are averaged."""
    random: int = 20
    """Random sets of as many components of the same kinds, as a control; 0 for none."""
    seed: int = 0
    """Of resampling and of the random sets."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", metric_of(self.metric))
        if self.kind not in KINDS:
            raise UnknownNameError.of("kind of ablation", self.kind, KINDS)
        if self.over_positions and self.kind != "mean":
            raise ExperimentError(
                f"over_positions is of means, and the kind is {self.kind!r}: leave it out, or ask "
                "for kind='mean'",
                about="over_positions",
            )
        check_counts(draws=(self.draws, 1), seed=(self.seed, 0))
        check_random(self.random)

    def to_json(self) -> dict[str, Any]:
        """As the JSON of a result has them; only those that count for the kind."""
        said: dict[str, Any] = {"ablation": self.kind, "positions": self.positions}
        if self.kind == "mean":
            said["over_positions"] = self.over_positions
        if self.kind == "resample":
            said["draws"] = self.draws
        return {**said, "seed": self.seed}


def check_counts(**given: tuple[int, int]) -> None:
    """Raise unless each number is at least the one beside it.

    Raises:
        ExperimentError: it is not; the message names it.
    """
    for name, (value, least) in given.items():
        if value < least:
            raise ExperimentError(f"{name}={value}: give at least {least}", about=name)


def check_random(random: int) -> None:
    """Raise unless a number of random sets can be a control, or is none."""
    if random > MOST_RANDOM:
        raise ExperimentError(
            f"random={random}: give at most {MOST_RANDOM} random sets", about="random"
        )
    if random and random < FEWEST_RANDOM:
        raise ExperimentError(
            f"random={random}: give at least {FEWEST_RANDOM} random sets, or 0 for no such control",
            about="random",
        )
