"""Two results over the same facts, fact by fact: paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pytest_interp.report.run import ResultRecord
from pytest_interp.stats import mean_intervals

CONFIDENCE = 0.95
"""Of the intervals of one field; divided among its columns, as layers (Bonferroni)."""
SMALL = 0.2
"""What counts as noise: a share of the spread between facts, of Cohen's small effect (1988)."""
LEAST = 0.02
"""What counts as noise in any case: a share of the largest value of the field."""
Judged = Literal["moved", "inconclusive", "within noise"]
_JUDGED: tuple[Judged, ...] = ("within noise", "inconclusive", "moved")
_LABELS = "ids"
"""The field that names the facts of a result."""


@dataclass(frozen=True, kw_only=True)
class FactMove:
    """One fact on both sides."""

    id: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How a number that each fact has moved, in the mean over the facts."""

    field: str
    where: str
    """The column that moved furthest, as ``layer 7``; empty where there is one column."""
    places: int
    """Columns of the field, and how many of them moved."""
    moved: int
    n: int
    before: float
    """Means over the facts, in the unit of the field."""
    after: float
    by: float
    """The mean of the paired differences, with its interval."""
    low: float
    high: float
    confidence: float
    noise: float
    """Moves of the mean up to here are noise."""
    judged: Judged
    facts: tuple[FactMove, ...]
    """Each fact, the furthest moved first."""


@dataclass(frozen=True, kw_only=True)
class Flips:
    """A discrete finding that each fact has, as a layer: in which facts it is another."""

    field: str
    n: int
    facts: tuple[FactMove, ...]


@dataclass(frozen=True, kw_only=True)
class FactsCompared:
    """Two results over facts."""

    n: int
    """Facts on both sides."""
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    shifts: tuple[Shift, ...]
    """Those that moved first."""
    flips: tuple[Flips, ...]


def compare_facts(before: ResultRecord, after: ResultRecord) -> FactsCompared | None:
    """Compare fact by fact; None where the results are not over facts that both name.

    A field has **moved** where the interval of its mean paired difference excludes zero, and is
    **within noise** where the whole interval is: no further from zero than a fifth of the spread
    between facts, or than two hundredths of the largest value. All else is inconclusive. Facts that
    share a template or an entity are not counted as independent.
    """
    sides = [[str(i) for i in side.result.get(_LABELS) or ()] for side in (before, after)]
    ids = [one for one in sides[0] if one in set(sides[1])]
    if len(ids) < 2 or any(len(set(side)) < len(side) for side in sides):
        return None
    rows = [[side.index(one) for one in ids] for side in sides]
    shared = {
        way: [names[i] for i in rows[0]]
        for way, names in before.shared.items()
        if len(names) == len(sides[0])
    }
    shifts, flips = [], []
    for field, old, new in _fields(before, after, rows):
        if not _is_numeric(old, new):
            changed = tuple(
                FactMove(id=i, before=a, after=b)
                for i, a, b in zip(ids, old, new, strict=True)
                if a != b
            )
            flips.append(Flips(field=field, n=len(ids), facts=changed))
        elif (shift := _shift(field, ids, old, new, shared, before)) is not None:
            shifts.append(shift)
    return FactsCompared(
        n=len(ids),
        only_before=tuple(one for one in sides[0] if one not in ids),
        only_after=tuple(one for one in sides[1] if one not in ids),
        shifts=tuple(sorted(shifts, key=lambda shift: -_JUDGED.index(shift.judged))),
        flips=tuple(sorted(flips, key=lambda flip: -len(flip.facts))),
    )


def _fields(
    before: ResultRecord, after: ResultRecord, rows: Sequence[Sequence[int]]
) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """What each fact has, in the same order on both sides."""
    for field, axes in before.axes.items():
        old, new = before.result.get(field), after.result.get(field)
        if not axes or axes[0][1] != _LABELS or field not in after.axes:
            continue
        # what counts the columns has to be the same
        if any(before.result.get(a) != after.result.get(a) for _, a in axes[1:]):
            continue
        if isinstance(old, list) and isinstance(new, list):
            yield field, [old[i] for i in rows[0]], [new[i] for i in rows[1]]


def _is_numeric(*sides: Any) -> bool:
    """Whether there are sizes: whole numbers alone are places, as layers, or ranks."""
    flat = list(_flat(sides))
    return any(isinstance(one, float) for one in flat) and all(
        one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in flat
    )


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)
    else:
        yield value


def _shift(
    field: str,
    ids: Sequence[str],
    old: list[Any],
    new: list[Any],
    shared: Mapping[str, Sequence[tuple[str, ...]]],
    record: ResultRecord,
) -> Shift | None:
    try:
        a, b = (np.array(side, dtype=float).reshape(len(ids), -1) for side in (old, new))
    except (TypeError, ValueError):  # of different lengths
        return None
    if a.shape != b.shape:
        return None
    known = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    if known.sum() < 2:
        return None
    a, b = a[known], b[known]
    of = [one for one, is_known in zip(ids, known, strict=True) if is_known]
    ways = {
        way: [n for n, is_known in zip(names, known, strict=True) if is_known]
        for way, names in shared.items()
    }
    confidence = 1 - (1 - CONFIDENCE) / a.shape[1]
    found = mean_intervals(b - a, ways, confidence)
    low, high = found.low, found.high
    noise = np.maximum(SMALL * a.std(0, ddof=1), LEAST * np.abs(a).max() + 1e-6)
    is_small = (low >= -noise) & (high <= noise)
    is_moved = ((low > 0) | (high < 0)) & ~is_small
    # one stands for all: of those that moved, else of those that are not decided, the furthest
    rank = np.where(is_moved, 2, np.where(is_small, 0, 1))
    column = int(np.lexsort((np.abs(found.mean) / noise, rank))[-1])
    judged = _JUDGED[rank[column]]
    furthest = np.argsort(-np.abs(b - a)[:, column], kind="stable").tolist()
    facts = (
        FactMove(id=of[i], before=float(a[i, column]), after=float(b[i, column])) for i in furthest
    )
    return Shift(
        field=field,
        where=_column(record, field, column),
        places=a.shape[1],
        moved=int(is_moved.sum()),
        n=len(of),
        before=float(a[:, column].mean()),
        after=float(b[:, column].mean()),
        by=float(found.mean[column]),
        low=float(low[column]),
        high=float(high[column]),
        confidence=confidence,
        noise=float(noise[column]),
        judged=judged,
        facts=tuple(facts),
    )


def _column(record: ResultRecord, field: str, column: int) -> str:
    axes = record.axes[field][1:]
    labels = [list(record.result.get(name) or ()) for _, name in axes]
    if not axes or not all(labels):
        return ""
    indices = np.unravel_index(column, [len(one) for one in labels])
    named = zip(axes, labels, indices, strict=True)
    return ", ".join(f"{axis} {names[int(i)]}" for (axis, _), names, i in named)
