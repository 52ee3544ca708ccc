"""What an interval is over: which facts, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypedDict

import numpy as np

from pytest_interp.results.base import Floats
from pytest_interp.stats import Intervals, clusters, mean_intervals

FEWEST_TEMPLATES = 5
"""From this many on, templates are a sample of the ways to ask. Fewer are not: what is claimed of
the mean is then claimed in each of them, with an interval over its own facts."""


@dataclass(frozen=True)
class Sample:
    """Facts that one interval is over."""

    members: tuple[int, ...]
    """Indices of the facts."""
    shared: Mapping[str, Sequence[frozenset[str]]]
    """For each way of sharing, what each of these facts may share."""
    wording: str | None = None
    """The template that all are of, where each template has to hold on its own."""

    def mean_intervals(self, values: Floats, confidence: float = 0.95, seed: int = 0) -> Intervals:
        """Of the mean at each place, from values [fact, place] of these facts."""
        return mean_intervals(values, self.shared, confidence, seed=seed)


class Counts(TypedDict):
    """What a verdict says of its scope."""

    n_prompts: int
    n_clusters: int
    n_entities: int
    in_each_template: bool


class Counted(Protocol):
    """What says of its facts, or prompts, how they are counted."""

    @property
    def templates(self) -> tuple[str, ...]: ...
    @property
    def entities(self) -> tuple[frozenset[str], ...]: ...
    @property
    def answers(self) -> tuple[frozenset[str], ...]: ...


@dataclass(frozen=True)
class Scope:
    """What the facts of a claim are, and how they are counted."""

    templates: tuple[str, ...]
    """The template of each fact."""
    entities: tuple[frozenset[str], ...]
    """What each fact is about."""
    answers: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, results: Counted, known: Sequence[int]) -> Self:
        """Those of the results at these indices."""
        return cls(
            tuple(results.templates[i] for i in known),
            tuple(results.entities[i] for i in known),
            tuple(results.answers[i] for i in known),
        )

    @property
    def counts(self) -> Counts:
        """For the verdict."""
        return {
            "n_prompts": len(self.templates),
            "n_clusters": len(set(self.templates)),
            "n_entities": len(frozenset().union(*self.answers)),
            "in_each_template": self.in_each_template,
        }

    @property
    def in_each_template(self) -> bool:
        """Whether there are too few templates to be a sample of wordings.

        Templates of one fact each are none: then the facts are the sample.
        """
        n = len(set(self.templates))
        return 1 < n < min(FEWEST_TEMPLATES, len(self.templates))

    def samples(self, members: Sequence[int] | None = None) -> list[Sample]:
        """The samples that a claim must hold in: one, or one of each template."""
        chosen = range(len(self.templates)) if members is None else members
        if not self.in_each_template:
            return [self._sample(tuple(chosen))]
        return [
            self._sample(tuple(i for i in chosen if self.templates[i] == name), name)
            for name in dict.fromkeys(self.templates[i] for i in chosen)
        ]

    def _sample(self, members: tuple[int, ...], wording: str | None = None) -> Sample:
        shared = {"entities": [self.entities[i] for i in members]}
        if wording is None:
            shared["templates"] = [frozenset((self.templates[i],)) for i in members]
        return Sample(members, shared, wording)

    def widest_interval(self, values: Floats) -> tuple[Floats, Floats] | None:
        """Lower and upper bounds that decide a claim about the mean, at the default confidence.

        Where it has to hold in each template, those of all templates together: the lowest and the
        highest. None where no interval can be made.

        Args:
            values: [fact, place] of these facts.
        """
        if len(values) < 2 or self.too_few():
            return None
        found = [one.mean_intervals(values[list(one.members)]) for one in self.samples()]
        return np.min([one.low for one in found], 0), np.max([one.high for one in found], 0)

    def too_few(self, members: Sequence[int] | None = None) -> str | None:
        """Why no interval can be made, and what to add; None where one can.

        Args:
            members: the facts that have what is measured; all of them by default.
        """
        if len(self.templates) == 1:
            return None  # one fact: existence is all that is claimed
        for sample in self.samples(members):
            n, of = len(sample.members), f"template {sample.wording!r}"
            if n == 1 and sample.wording is None:
                return "1 fact says nothing of the others: add facts like it"
            if n == 1:
                return (
                    f"{of} has 1 fact, and of fewer than {FEWEST_TEMPLATES} templates each has to "
                    "hold on its own: give it more facts, leave it out, or ask in "
                    f"{FEWEST_TEMPLATES} templates or more"
                )
            told_apart = any(clusters(way).size for way in sample.shared.values())
            if not told_apart:
                about = ", ".join(sorted(sample.shared["entities"][0]))
                whose = "" if sample.wording is None else f" of {of}"
                return (
                    f"all {n} facts{whose} are about the same ({about}) in one wording, as a fact "
                    "and its mirror are, and count once: add facts about others"
                )
        return None
