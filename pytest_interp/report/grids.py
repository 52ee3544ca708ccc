"""The numbers of a result as maps and tables, by the axes that it names itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_interp.report.run import ResultRecord, ShownRecord

_ACROSS = ("layer", "dose")
"""Axes that run from left to right where an array has two."""


@dataclass(frozen=True)
class Grid:
    """An array of two axes."""

    field: str
    row: str
    """What a row is, as ``token``."""
    rows: tuple[str, ...]
    column: str
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    """[row, column]; None where undefined."""
    moved: tuple[tuple[int, int, float | None], ...] = ()
    """Row and column of each cell that moved from the baseline, and what was saved."""


@dataclass(frozen=True)
class Column:
    """An array of one axis."""

    field: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """All arrays of one axis."""

    row: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]


def grids_of(record: ResultRecord) -> tuple[Grid, ...]:
    """The arrays of two axes; layers run from left to right."""
    found = []
    for name, axes in record.axes.items():
        values: Any = record.result.get(name)
        labels = [_labels(record.result, axis[1]) for axis in axes]
        if len(axes) != 2 or not all(labels) or not _is_grid(values, *map(len, labels)):
            continue
        (first, second), (rows, columns), moved = (
            (axes[0][0], axes[1][0]),
            labels,
            _moved(record, name),
        )
        if first in _ACROSS and second not in _ACROSS:
            first, second, rows, columns = second, first, columns, rows
            values = list(zip(*values, strict=True))
            moved = [(j, i, saved) for i, j, saved in moved]
        shown = record.shown.get(name)
        cells = tuple(tuple(_seen(value, shown) for value in row) for row in values)
        was = tuple((i, j, _seen(saved, shown)) for i, j, saved in moved)
        found.append(Grid(shown.name if shown else name, first, rows, second, columns, cells, was))
    return tuple(found)


def _seen(value: float | None, shown: ShownRecord | None) -> float | None:
    """The number as the figure shows it."""
    return value if value is None or shown is None else shown.start + shown.factor * value


def _moved(record: ResultRecord, field: str) -> list[tuple[int, int, float | None]]:
    changes = record.baseline.changes if record.baseline else ()
    return [
        (i, j, change.old)
        for change in changes
        if not change.within_noise and len(change.keys) == 3 and change.keys[0] == field
        for i, j in [change.keys[1:]]
        if isinstance(i, int) and isinstance(j, int) and _is_number(change.old)
    ]


def tables_of(record: ResultRecord) -> tuple[Table, ...]:
    """The arrays of one axis, those of the same axis together."""
    by_axis: dict[tuple[str, str], list[Column]] = {}
    for name, axes in record.axes.items():
        values = record.result.get(name)
        if len(axes) != 1 or not isinstance(values, list | tuple):
            continue
        if len(values) == len(_labels(record.result, axes[0][1])):
            by_axis.setdefault(tuple(axes[0]), []).append(Column(name, tuple(values)))  # type: ignore[arg-type]
    return tuple(
        Table(axis, _labels(record.result, labels), tuple(columns))
        for (axis, labels), columns in by_axis.items()
    )


def facts_of(record: ResultRecord) -> dict[str, Any]:
    """What else it says: every field that is one value, or one level of them."""
    said: dict[str, Any] = {}
    for name, value in record.result.items():
        if isinstance(value, Mapping):
            inner = {f"{name}.{key}": one for key, one in value.items() if _is_one(one)}
            said |= inner
        elif _is_one(value):
            said[name] = value
    return said


def largest_difference(one: ResultRecord, other: ResultRecord) -> tuple[float, str] | None:
    """By how much two maps of the same cells differ at most, and where; None without such maps."""
    others = {grid.field: grid for grid in grids_of(other)}
    worst: tuple[float, str] | None = None
    for grid in grids_of(one):
        same = others.get(grid.field)
        if same is None or (same.rows, same.columns) != (grid.rows, grid.columns):
            continue
        for row, mine, yours in zip(grid.rows, grid.values, same.values, strict=True):
            for column, a, b in zip(grid.columns, mine, yours, strict=True):
                if a is not None and b is not None and (worst is None or abs(a - b) > worst[0]):
                    place = f"{grid.field} at {grid.column} {column}, {grid.row} {row!r}"
                    worst = abs(a - b), place
    return worst


def _labels(result: Mapping[str, Any], name: str) -> tuple[str, ...]:
    labels = result.get(name)
    return tuple(map(str, labels)) if isinstance(labels, list | tuple) else ()


def _is_grid(values: Any, rows: int, columns: int) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == rows
        and all(isinstance(row, list | tuple) and len(row) == columns for row in values)
        and all(_is_number(value) for row in values for value in row)
    )


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_one(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
