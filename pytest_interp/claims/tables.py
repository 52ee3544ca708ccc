"""A small part of a map as text: layers down, columns across."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pytest_interp.results.base import Floats

REACH = 2
"""Layers shown on each side of an edge."""
WIDEST = 14


def effect_table(
    layers: Sequence[int],
    columns: Sequence[tuple[str, Floats]],
    broken: Collection[tuple[int, str]],
    around: Iterable[int],
) -> str:
    """Mean effects around some layers; ``*`` marks broken cells.

    Args:
        layers: the traced layers.
        columns: name and values [layer] of each column.
        broken: (layer, column name) of cells to mark.
        around: layers of interest.
    """
    wanted = [layers.index(layer) for layer in around if layer in layers]
    names = [name if len(name) <= WIDEST else name[: WIDEST - 2] + ".." for name, _ in columns]
    lines = ["  effect by layer (* breaks the claim):"]
    lines.append(f"    layer  {'  '.join(name.rjust(7) for name in names)}")
    previous = None
    for i, layer in enumerate(layers):
        if not any(abs(i - j) <= REACH for j in wanted):
            continue
        if previous not in (None, i - 1):
            lines.append("      ...")
        previous = i
        cells = []
        for (name, values), short in zip(columns, names, strict=True):
            mark = "*" if (layer, name) in broken else " "
            cells.append(f"{values[i]:.3f}{mark}".rjust(max(len(short), 7)))
        lines.append(f"    {layer:>5}  {'  '.join(cells)}".rstrip())
    return "\n".join(lines)
