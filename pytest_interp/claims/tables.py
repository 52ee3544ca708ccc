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
    wanted = {layers.index(layer) for layer in around if layer in layers}
    shown = sorted(
        {j for i in wanted for j in range(i - REACH, i + REACH + 1) if 0 <= j < len(layers)}
    )
    names = [name if len(name) <= WIDEST else name[: WIDEST - 2] + ".." for name, _ in columns]
    widths = [max(len(name), 7) for name in names]
    head = "  ".join(name.rjust(width) for name, width in zip(names, widths, strict=True))
    lines = ["  effect by layer (* breaks the claim):", f"    layer  {head}"]
    previous = None
    for i in shown:
        if previous is not None and i != previous + 1:
            lines.append("      ...")
        previous = i
        cells = []
        for (name, values), width in zip(columns, widths, strict=True):
            mark = "*" if (layers[i], name) in broken else " "
            cells.append(f"{values[i]:.3f}{mark}".rjust(width))
        lines.append(f"    {layers[i]:>5}  {'  '.join(cells)}".rstrip())
    return "\n".join(lines)
