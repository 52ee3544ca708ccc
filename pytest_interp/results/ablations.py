"""What a model says without some of its components. No torch here."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.errors import ClaimError, UnknownNameError
from pytest_interp.results.base import Axis, Decision, Floats, Reading, dtype_of
from pytest_interp.results.over_facts import OverFacts, rounded
from pytest_interp.results.tolerances import Tolerance, float_tolerance

Members = tuple[str, ...]
"""Components that are ablated together, by their names."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Ablations(OverFacts):
    """The metric after each clean prompt, without components and without sets of them.

    Raises:
        ClaimError: an array has another shape than its facts and names.
    """

    what: tuple[str, ...]
    """What is ablated: components, as ``head.9.6``, and names of sets."""
    members: tuple[Members, ...]
    """The components that each of these is made of."""
    ablated: Floats
    """The metric without it [fact, what]; where values were drawn, the mean over draws."""
    how: Mapping[str, Any] = field(default_factory=dict)
    """What took the place of what is ablated, and where, as the JSON has it."""
    reference: tuple[str, ...] = ()
    """The prompts that replacements come from."""
    random_members: tuple[Members, ...] = ()
    """Random sets of components of the same kinds and numbers."""
    random_ablated: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """The metric without each of these [fact, random]."""
    other_tokens: Floats | None = None
    """Of attention that is knocked out, the metric with as many other tokens cut, drawn at random,
    in the same layers [fact, what, draw]; None for other ablations. Not part of the JSON."""
    no_other_tokens: str = ""
    """Why there is no draw of these."""

    _by_fact = ("ablated", "random_ablated", "other_tokens")

    def __post_init__(self) -> None:
        if not self.random_members:
            object.__setattr__(self, "random_ablated", np.empty((len(self.facts), 0)))
        super().__post_init__()
        for name, sets in (("ablated", self.members), ("random_ablated", self.random_members)):
            wanted = (len(self.facts), len(sets))
            if getattr(self, name).shape != wanted or len(self.what) != len(self.members):
                raise ClaimError(
                    f"{name} of an Ablations has the shape {getattr(self, name).shape}, and its "
                    f"facts and sets need {wanted}"
                )
        others, first = self.other_tokens, (len(self.facts), len(self.what))
        if others is not None and (others.ndim != 3 or others.shape[:2] != first):
            raise ClaimError(
                f"other_tokens of an Ablations has the shape {others.shape}, and its facts and "
                f"names need {first} and draws"
            )

    def index(self, what: Component | str) -> int:
        """Where a component or a set stands among ``what``.

        Raises:
            UnknownNameError: it was not ablated; the message names the nearest that was.
        """
        name = str(what)
        if name not in self.what:
            near = difflib.get_close_matches(name, self.what, n=3, cutoff=0.5) or self.what[:3]
            raise UnknownNameError(
                f"{name!r} was not ablated: of the {len(self.what)} that were, the nearest are "
                f"{', '.join(near)}. Ask ablate() for it, alone or as a set with a name"
            )
        return self.what.index(name)

    @property
    def drop(self) -> Floats:
        """By how much the metric falls [fact, what]; negative where it rises."""
        return np.asarray(self.clean[:, None] - self.ablated)

    @property
    def random_drop(self) -> Floats:
        """The same of the random sets [fact, random]."""
        return np.asarray(self.clean[:, None] - self.random_ablated)

    @property
    def other_tokens_drop(self) -> Floats:
        """By how much the metric falls with other tokens cut [fact, what, draw].

        Raises:
            ClaimError: no attention was knocked out.
        """
        if self.other_tokens is None:
            raise ClaimError("no attention was knocked out: there are no other tokens to cut")
        return np.asarray(self.clean[:, None, None] - self.other_tokens)

    def beside(self, what: Component | str) -> list[int]:
        """Indices of the random sets to compare with: as many of the same kinds, and others."""
        own = self.members[self.index(what)]
        return [
            i
            for i, other in enumerate(self.random_members)
            if kinds_of(other) == kinds_of(own) and not set(other) & set(own)
        ]

    @property
    def _mean(self) -> Floats:
        return np.asarray(self.ablated.mean(0))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "ablations",
            **self.facts_json(),
            **self.how,
            "reference_prompts": list(self.reference),
            "what": list(self.what),
            "members": {
                name: list(own)
                for name, own in zip(self.what, self.members, strict=True)
                if own != (name,)
            },
            "most_needed": self.what[int(np.argmin(self._mean))]
            if np.isfinite(self._mean).all()
            else None,
            "mean_ablated_metric": rounded(self._mean),
            "ablated_metric": rounded(self.ablated),
            "random_members": [list(own) for own in self.random_members],
            "random_ablated_metric": rounded(self.random_ablated.mean(0)),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Numbers by the dtype of the model."""
        names = ("clean_metric", "corrupt_metric", "mean_ablated_metric", "ablated_metric")
        return dict.fromkeys((*names, "random_ablated_metric"), float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact, what = Axis("fact", "ids"), Axis("ablated", "what")
        return {
            "clean_metric": (fact,),
            "corrupt_metric": (fact,),
            "mean_ablated_metric": (what,),
            "ablated_metric": (fact, what),
        }

    def findings(self) -> Mapping[str, Decision]:
        return {"most_needed": Decision("mean_ablated_metric", "smallest")}

    def summary(self) -> str:
        at = int(np.argmin(self._mean))
        return (
            f"without {self.what[at]} the {self.metric.name} is lowest: "
            f"{self._mean[at]:.2f}, with it {self.clean.mean():.2f}"
        )

    def readings(self) -> tuple[Reading, ...]:
        unit, at = self.metric.unit, int(np.argmin(self._mean))
        return (
            Reading("metric of the clean prompts", float(self.clean.mean()), unit),
            Reading(f"without {self.what[at]}", float(self._mean[at]), unit),
        )


def kinds_of(members: Sequence[str]) -> Mapping[str, int]:
    """How many components of each kind; whole sites are of another kind than their parts."""
    parts = map(Component.of, members)
    return Counter(part.kind if part.index is None else f"{part.kind} part" for part in parts)
