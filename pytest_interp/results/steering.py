"""What steering with a direction did, and what projecting it out did. No torch here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_interp.options.steering import SteerOptions
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import (
    Axis,
    Floats,
    Result,
    as_json,
    dtype_of,
    frozen,
    must_have_shape,
    plain,
)
from pytest_interp.results.continued import Continued
from pytest_interp.results.labelled import Axes, must_fit_prompts, rows_of
from pytest_interp.results.tolerances import Tolerance, float_tolerance
from pytest_interp.stats.separation import Bools


@dataclass(frozen=True, eq=False)
class SteerResult(Result):
    """The log-odds of abstaining under each dose, with random directions beside it.

    Log-odds are the logit of the best abstaining token minus that of the best other token: positive
    where the model abstains.

    Raises:
        ClaimError: an array has another shape than its prompts and doses.
    """

    name: str
    options: SteerOptions
    direction: str
    """The direction in words."""
    layers: tuple[int, ...]
    """Layers at which it was added."""
    doses: tuple[float, ...]
    """Ascending; 0 is the run as it is."""
    classes: tuple[str, str]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    templates: tuple[str, ...]
    projections: Floats
    """Length of each prompt's activation along the direction, without steering [prompt]."""
    log_odds: Floats
    """[dose, prompt]."""
    random_log_odds: Floats
    """Of random directions of the same length [direction, dose, prompt]."""
    right: Floats
    """1 where the top token is the answer, else 0; NaN where there is no answer [dose, prompt]."""
    neutral_kl: Floats
    """Mean divergence of the next token of neutral texts from the run as it is [dose], in nats."""
    random_neutral_kl: Floats
    """The same of random directions [direction, dose]."""
    length: float | None = None
    """Of the direction, and of the random ones."""
    continued: tuple[Continued, ...] = ()
    """What it goes on to say on some prompts, greedily, at each dose; not part of the JSON."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        numbers = ("projections", "log_odds", "random_log_odds", "right", "neutral_kl")
        for name in (*numbers, "random_neutral_kl"):
            object.__setattr__(self, name, frozen(getattr(self, name), float))
        dose: Axes = {"dose": self.doses}
        direction: Axes = {"direction": rows_of(self, "random_log_odds")}
        arrays = {"projections": {}, "log_odds": dose, "right": dose}
        must_fit_prompts(self, {**arrays, "random_log_odds": {**direction, **dose}})
        must_have_shape(self, "neutral_kl", **dose)
        must_have_shape(self, "random_neutral_kl", **direction, **dose)

    def of(self, label: str) -> Bools:
        """Which prompts are of this class [prompt]."""
        return np.array([one == label for one in self.labels])

    def at(self, dose: float) -> int:
        """Index of a dose."""
        return self.doses.index(float(dose))

    @property
    def shift(self) -> Floats:
        """Log-odds minus those of the run as it is [dose, prompt]."""
        return np.asarray(self.log_odds - self.log_odds[self.at(0)])

    @property
    def random_shift(self) -> Floats:
        """The same of the random directions [direction, dose, prompt]."""
        return np.asarray(self.random_log_odds - self.log_odds[self.at(0)])

    @property
    def wrong_way(self) -> float:
        """Share of prompts that the largest dose moves against the mean (arXiv 2407.12404)."""
        moved = self.shift[-1] - self.shift[0]
        return float((np.sign(moved) != np.sign(moved.mean())).mean())

    def to_json(self) -> dict[str, Any]:
        """Means by class and dose, and the band of random directions; without provenance."""
        by_class = {label: self.of(label) for label in self.classes}
        return {
            "kind": "steer",
            "name": self.name,
            **self.options.to_json(),
            **as_json(self, "direction", "length", "layers", "doses", "classes", "ids"),
            "log_odds": {c: plain(self.log_odds[:, one].mean(1)) for c, one in by_class.items()},
            "random_shift": plain(self.random_shift.mean(2)),
            "right": {c: _share(self.right[:, one]) for c, one in by_class.items()},
            "neutral_kl": plain(self.neutral_kl),
            "wrong_way": plain(self.wrong_way),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; shares by some prompts whose top tokens are near."""
        near, few = float_tolerance(dtype_of(self)), Tolerance(0.05)
        floats = ("length", "log_odds", "random_shift", "neutral_kl")
        return {**dict.fromkeys(floats, near), "right": few, "wrong_way": few}

    def measured_arrays(self) -> Mapping[str, Floats]:
        return {"log_odds": self.log_odds, "random_log_odds": self.random_log_odds}

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        return dict.fromkeys(("log_odds", "right", "neutral_kl"), (Axis("dose", "doses"),))

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        return {"groups": [(group,) for group in self.groups]}

    def summary(self) -> str:
        moved = (self.shift[-1] - self.shift[0]).mean()
        others = np.abs((self.random_shift[:, -1] - self.random_shift[:, 0]).mean(1)).max()
        return (
            f"from dose {self.doses[0]:g} to {self.doses[-1]:g} the log-odds of abstaining move by "
            f"{moved:+.2f}; random directions move them by at most {others:.2f}"
        )

    def texts(self) -> str:
        """The continuations at each dose."""
        if not self.continued:
            return ""
        n = len(self.continued[0].tokens[0])
        where = "every token" if self.options.positions == "all" else "the last and each new token"
        head = f"The next {n} tokens, greedily, with the direction added at {where}:"
        return "\n".join([head, *(line for c in self.continued for line in c.lines(self.doses))])


@dataclass(frozen=True, eq=False)
class AblationResult(Result):
    """The log-odds of abstaining before and after a direction was projected out [prompt].

    Raises:
        ClaimError: an array has another shape than its prompts.
    """

    name: str
    options: SteerOptions
    direction: str
    classes: tuple[str, str]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    templates: tuple[str, ...]
    before: Floats
    after: Floats
    random_after: Floats
    """After random directions were projected out [direction, prompt]."""
    right: Floats
    """1 where the top token is the prompt's answer, else 0; before and after [2, prompt]."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("before", "after", "random_after", "right"):
            object.__setattr__(self, name, frozen(getattr(self, name), float))
        arrays: dict[str, Axes] = {"before": {}, "after": {}, "right": {"run": range(2)}}
        direction: Axes = {"direction": rows_of(self, "random_after")}
        must_fit_prompts(self, {**arrays, "random_after": direction})

    def to_json(self) -> dict[str, Any]:
        """Log-odds [prompt], means of random directions, shares right; without provenance."""
        return {
            "kind": "ablate_direction",
            "name": self.name,
            **self.options.to_json(),
            **as_json(self, "direction", "classes", "ids", "labels", "before", "after"),
            "random_after": plain(self.random_after.mean(1)),
            "right": _share(self.right),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; shares by some prompts."""
        near = float_tolerance(dtype_of(self))
        return {
            **dict.fromkeys(("before", "after", "random_after"), near),
            "right": Tolerance(0.05),
        }

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        return dict.fromkeys(("labels", "before", "after"), (Axis("prompt", "ids"),))

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        return {"groups": [(group,) for group in self.groups]}

    def summary(self) -> str:
        before, after = (int((side > 0).sum()) for side in (self.before, self.after))
        return f"{before} of {len(self.ids)} prompts abstain before, {after} after"


def _share(right: Floats) -> list[float | None]:
    """Share of right answers in each row; None where there are no answers."""
    known = right[:, ~np.isnan(right).any(0)]
    return plain(known.mean(1)) if known.size else [None] * len(right)
