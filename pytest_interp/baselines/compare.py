"""What moved between two results, as data: pure functions over their JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_interp.baselines.entry import Entry
from pytest_interp.results.findings import deciding_moves
from pytest_interp.results.tolerances import EXACT, Tolerance

Path = tuple[str | int, ...]
"""Keys and indices from the top of the JSON down to a value."""


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()
"""The value of what a side does not have."""


@dataclass(frozen=True)
class Change:
    """One value that is not what it was."""

    path: Path
    old: Any
    new: Any
    allowed: float | None = None
    """How far it might have moved; None for a value that compares exactly."""
    within_noise: bool = False
    """A discrete finding that flipped while the numbers that decide it stayed in tolerance."""

    @property
    def field(self) -> str:
        """The top-level field that it belongs to."""
        return str(self.path[0])

    @property
    def by(self) -> float | None:
        """How far it moved; None where a side is no number."""
        return self.new - self.old if _is_number(self.old) and _is_number(self.new) else None

    @property
    def excess(self) -> float:
        """The move in units of what was allowed; infinite for what compares exactly."""
        return abs(self.by) / self.allowed if self.by is not None and self.allowed else math.inf


def compare(old: Entry, new: Entry) -> list[Change]:
    """All values of ``new`` that are out of tolerance against ``old``, the worst first.

    Findings that compare exactly come first, then floats by how many times the tolerance they
    moved, then findings that flipped within the noise.
    """
    tolerances = tolerances_between(old, new)
    found = _walk((), old.result, new.result, tolerances)
    judged = [_judge(change, old, new, tolerances) for change in found]
    return sorted(judged, key=lambda c: (c.within_noise, -c.excess))


def changed(changes: list[Change]) -> bool:
    """Whether anything moved by more than noise."""
    return any(not change.within_noise for change in changes)


def tolerances_between(old: Entry, new: Entry) -> Mapping[str, Tolerance]:
    """The tolerances of the new side; where the dtypes differ, the looser of both."""
    if old.provenance.get("dtype") == new.provenance.get("dtype"):
        return new.tolerances
    return {
        name: Tolerance(max(a.atol, b.atol), max(a.rtol, b.rtol))
        for name in {*old.tolerances, *new.tolerances}
        for a, b in [(old.tolerances.get(name, EXACT), new.tolerances.get(name, EXACT))]
    }


def _tolerance_of(path: Path, tolerances: Mapping[str, Tolerance]) -> Tolerance:
    """By the top-level field; for nested results, by the dotted names without indices."""
    names = [part for part in path if isinstance(part, str)]
    dotted = (".".join(names[:end]) for end in range(len(names), 0, -1))
    return next((tolerances[name] for name in dotted if name in tolerances), EXACT)


def _walk(path: Path, old: Any, new: Any, tolerances: Mapping[str, Tolerance]) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            yield from _walk((*path, key), old.get(key, ABSENT), new.get(key, ABSENT), tolerances)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _walk((*path, i), a, b, tolerances)
    elif _is_number(old) and _is_number(new):
        allowed = _tolerance_of(path, tolerances).allowed(old)
        if abs(new - old) > allowed:
            yield Change(path, old, new, allowed or None)
    elif type(old) is not type(new) or old != new:
        yield Change(path, old, new)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _judge(change: Change, old: Entry, new: Entry, tolerances: Mapping[str, Tolerance]) -> Change:
    """Mark a discrete finding that flipped within the noise of the numbers that decide it."""
    decision = (new.findings or old.findings).get(change.field)
    moves = deciding_moves(change.path, decision, old.result, new.result) if decision else []
    near = [abs(b - a) <= tolerances.get(field, EXACT).allowed(a) for field, a, b in moves]
    return replace(change, within_noise=bool(near) and all(near))
