"""What a result says of itself on two checkpoints, in words."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_interp.report.run import ReadingRecord


def compare_readings(
    before: Sequence[ReadingRecord], after: Sequence[ReadingRecord]
) -> tuple[str, ...]:
    """A phrase for each reading that both have: ``hand-off unchanged at layer 23``."""
    old = {one.name: one for one in before}
    return tuple(_phrase(old[new.name], new) for new in after if new.name in old)


def _phrase(old: ReadingRecord, new: ReadingRecord) -> str:
    a, b = old.value, new.value
    if a is None and b is None:
        return f"no {new.name}, on neither side"
    if b is None:
        return f"no {new.name} any more, was {_with_unit(a, new.unit)}"
    if a is None:
        return f"{new.name} at {_with_unit(b, new.unit)}, was none"
    if new.says:
        held, holds = a > 0, b > 0
        how = ("still " if held else "now ") if holds else "no longer " if held else "still not: "
        return f"{how}{new.says}, {_sizes(a, b)} {new.unit}".rstrip()
    if isinstance(a, int) and isinstance(b, int):
        if a == b:
            return f"{new.name} unchanged at {_with_unit(a, new.unit)}"
        return f"{new.name} moved from {_with_unit(a, new.unit)} to {b}"
    return f"{new.name} {_sizes(a, b)} {new.unit}".rstrip()


def _with_unit(value: float | None, unit: str) -> str:
    said = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{unit} {said}" if unit == "layer" else f"{said} {unit}".rstrip()


def _sizes(a: float, b: float) -> str:
    """Two sizes with as many digits as tell them apart."""
    for decimals in (1, 2, 3, 4):
        shown = [f"{value:.{decimals}f}" for value in (a, b)]
        if shown[0] != shown[1] or a == b:
            break
    return f"{shown[0]} to {shown[1]}"
