"""Effects of paths: of each sender by what each receiver reads from it. No torch here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.errors import ClaimError, UnknownNameError
from pytest_interp.options.paths import PathOptions
from pytest_interp.results.base import Axis, Decision, Floats, Reading, dtype_of
from pytest_interp.results.findings import sole_largest
from pytest_interp.results.over_facts import rounded
from pytest_interp.results.paired import PairedFacts
from pytest_interp.results.tolerances import Tolerance, float_tolerance


class Path(NamedTuple):
    """A path, and its mean effect over facts."""

    sender: str
    receiver: str
    effect: float


@dataclass(frozen=True, eq=False, kw_only=True)
class PathResult(PairedFacts):
    """How much the metric changes by each path.

    Raises:
        ClaimError: an array has another shape than its facts, receivers and senders.
    """

    options: PathOptions
    senders: tuple[str, ...]
    """What is exchanged, as ``head.9.6``."""
    receivers: tuple[str, ...]
    """What reads it, as ``q.10.2``, ``v.10.0@subject`` or ``output``."""
    n_layers: int
    """Of the model."""
    change: Floats
    """By how much the metric changes [fact, receiver, sender], in its unit."""
    unmoved: Floats | None = None
    """The largest change by any receiver of a sender that does not change [fact], for the control;
    not part of the JSON."""

    _by_fact = ("change", "unmoved")

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = (len(self.facts), len(self.receivers), len(self.senders))
        if self.change.shape != wanted:
            raise ClaimError(
                f"change of a PathResult has the shape {self.change.shape}, and its facts, "
                f"receivers and senders need {wanted}"
            )

    @property
    def effect(self) -> Floats:
        """Changes as shares of the gap [fact, receiver, sender]: 0 does nothing, 1 moves all."""
        return np.asarray(self.change / self.gap[:, None, None])

    @property
    def mean(self) -> Floats:
        """The mean effect over facts [receiver, sender]."""
        return np.asarray(self.effect.mean(0))

    def of(self, sender: Component | str, receiver: Component | str) -> Floats:
        """The effect of one path [fact].

        Raises:
            UnknownNameError: it was not measured; the message names the nearest that was.
        """
        at = self.receiver_index(receiver), self.sender_index(sender)
        return np.asarray(self.effect[:, at[0], at[1]])

    def sender_index(self, sender: Component | str) -> int:
        """Where a sender stands among ``senders``. Errors as for :meth:`of`."""
        return _index("sender", str(sender), self.senders)

    def receiver_index(self, receiver: Component | str) -> int:
        """Where a receiver stands among ``receivers``. Errors as for :meth:`of`."""
        return _index("receiver", str(receiver), self.receivers)

    def strongest(self, n: int = 10, receiver: Component | str | None = None) -> tuple[Path, ...]:
        """The paths whose mean effect is furthest from 0, the strongest first.

        Args:
            n: how many.
            receiver: of all receivers by default.
        """
        rows = range(len(self.receivers)) if receiver is None else [self.receiver_index(receiver)]
        mean = self.mean
        paths = [
            Path(sender, self.receivers[row], float(mean[row, column]))
            for row in rows
            for column, sender in enumerate(self.senders)
            if np.isfinite(mean[row, column])
        ]
        return tuple(sorted(paths, key=lambda path: -abs(path.effect))[:n])

    def to_json(self) -> dict[str, Any]:
        """Mean effects over facts; without provenance."""
        return {
            "kind": "path_patching",
            **self.facts_json(),
            **self.options.to_json(),
            "receivers": list(self.receivers),
            "senders": list(self.senders),
            "strongest_sender": [
                None if (at := sole_largest(row)) is None else self.senders[at] for row in self.mean
            ],
            "effect": rounded(self.mean),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Numbers by the dtype of the model."""
        names = ("clean_metric", "corrupt_metric", "effect")
        return dict.fromkeys(names, float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact, receiver = Axis("fact", "ids"), Axis("receiver", "receivers")
        return {
            "clean_metric": (fact,),
            "corrupt_metric": (fact,),
            "strongest_sender": (receiver,),
            "effect": (receiver, Axis("sender", "senders")),
        }

    def findings(self) -> Mapping[str, Decision]:
        return {"strongest_sender": Decision("effect", "largest")}

    def summary(self) -> str:
        found = self.strongest(1)
        if not found:
            return "no effect of a path is defined"
        (path,) = found
        return f"strongest path {path.sender} to {path.receiver}, effect {path.effect:.3f}"

    def readings(self) -> tuple[Reading, ...]:
        return tuple(
            Reading(f"strongest path, {path.sender} to {path.receiver}", path.effect, "of the gap")
            for path in self.strongest(1)
        )


def _index(what: str, name: str, there: Sequence[str]) -> int:
    if name not in there:
        near = difflib.get_close_matches(name, there, n=3, cutoff=0.5) or there[:3]
        raise UnknownNameError(
            f"no path of the {what} {name!r} was measured: of the {len(there)} {what}s that there "
            f"are, the nearest are {', '.join(near)}. Name it in path_patching(..., {what}s=...)"
        )
    return there.index(name)
