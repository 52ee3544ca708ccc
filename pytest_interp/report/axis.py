"""An interval and its threshold on one axis: where things lie, in percent of its width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from pytest_interp.report.run import ClaimRecord

_TICKS: Final = 5
"""About so many numbers stand along the axis."""
_EDGE: Final = 15
"""A name over a mark needs about so much room on each side."""


@dataclass(frozen=True)
class Mark:
    """The interval of one claim."""

    status: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Drawn:
    """All marks of one axis, the claimed side of the threshold, and the ticks."""

    marks: tuple[Mark | None, ...]
    """One for each claim; None where it has no number."""
    threshold: float | None
    claimed: tuple[float, float] | None
    """From where to where the claim holds; None where that cannot be told."""
    ticks: tuple[tuple[float, str], ...]


def axis_of(claims: Sequence[ClaimRecord | None]) -> Drawn | None:
    """The axis of one claim on its backends; None where none has a number."""
    numbers = [_numbers(claim) for claim in claims]
    every = [n for found in numbers if found for n in found]
    if not every:
        return None
    threshold = next((c.threshold for c in claims if c and _is_number(c.threshold)), None)
    every += [] if threshold is None else [threshold]
    low, high = _range(min(every), max(every))

    def place(number: float) -> float:
        return round(100 * (number - low) / (high - low), 2)

    marks = [
        Mark(claim.status, *map(place, found)) if claim and found else None
        for claim, found in zip(claims, numbers, strict=True)
    ]
    at = None if threshold is None else place(threshold)
    sides = {side for claim in claims if claim and (side := _side(claim))}
    claimed = None
    if at is not None and len(sides) == 1:
        claimed = (at, 100.0) if sides == {"above"} else (0.0, at)
    ticks = tuple((place(tick), f"{tick:.6g}") for tick in _ticks(low, high))
    return Drawn(tuple(marks), at, claimed, ticks)


def anchor(drawn: Drawn, mark: Mark) -> str:
    """How a name over a mark is aligned: inside the axis, and not across the threshold."""
    if mark.value < _EDGE:
        return "start"
    if mark.value > 100 - _EDGE:
        return "end"
    away = mark.value - (100 if drawn.threshold is None else drawn.threshold)
    return "middle" if abs(away) > _EDGE else "end" if away < 0 else "start"


def _numbers(claim: ClaimRecord | None) -> tuple[float, float, float] | None:
    effect = claim.effect if claim else None
    if effect is None or not _is_number(effect.value):
        return None
    value = effect.value
    low = effect.low if _is_number(effect.low) else value
    high = effect.high if _is_number(effect.high) else value
    return value, low, high


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _side(claim: ClaimRecord) -> str | None:
    """On which side of the threshold the claim holds: the margin of the deciding bound tells."""
    found = _numbers(claim)
    if found is None or claim.threshold is None or claim.margin is None:
        return None
    _, low, high = found
    close = abs(claim.margin) * 1e-3 + 1e-6
    above = abs(low - claim.threshold - claim.margin) <= close
    below = abs(claim.threshold - high - claim.margin) <= close
    return None if above == below else "above" if above else "below"


def _range(low: float, high: float) -> tuple[float, float]:
    """From 0 to 1 where all lies there, as shares do; else a little wider than what it shows."""
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    room = 0.15 * (high - low) or abs(high) or 1.0
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / _TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    step = size * next((n for n in (1, 2, 5) if size * n >= raw), 10)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
