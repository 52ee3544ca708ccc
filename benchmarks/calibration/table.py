"""Counts of a calibration, as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.calibration.oracle import Case

HEADS = (
    "claims",
    "of them true",
    "refused",
    "false passes",
    "false fails",
    "true but inconclusive",
    "processor time",
)


def table(cases: Sequence[Case]) -> str:
    """Per backend and variant, then per backend."""
    lines = [f"| backend | variant | {' | '.join(HEADS)} |", "|---" * (len(HEADS) + 2) + "|"]
    for backend, variant in dict.fromkeys(sorted((c.backend, c.variant) for c in cases)):
        rows = [c for c in cases if (c.backend, c.variant) == (backend, variant)]
        lines.append(_row(backend, variant, rows))
    for backend in dict.fromkeys(sorted(c.backend for c in cases)):
        lines.append(_row(backend, "all", [c for c in cases if c.backend == backend]))
    return "\n".join(lines)


def _row(backend: str, variant: str, cases: Sequence[Case]) -> str:
    counts = (
        len(cases),
        sum(c.true for c in cases),
        sum(c.outcome == "refused" for c in cases),
        sum(c.false_pass for c in cases),
        sum(c.false_fail for c in cases),
        sum(c.true and c.outcome == "inconclusive" for c in cases),
    )
    seconds = f"{sum(c.seconds for c in cases):.0f} s"
    return f"| {backend} | {variant} | {' | '.join(f'{n:,}' for n in counts)} | {seconds} |"
