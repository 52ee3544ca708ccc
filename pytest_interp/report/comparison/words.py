"""A comparison as text, for a terminal: the claims first, the numbers folded away."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pytest_interp.report.comparison.facts import FactMove, FactsCompared, Shift
from pytest_interp.report.comparison.pairs import FATES, ClaimPair, Comparison
from pytest_interp.report.escaping import visible
from pytest_interp.report.run import ClaimRecord

WIDTH = 100
FACTS = 3
"""Facts that are named of one number."""
READINGS = 4
"""Phrases of what results say that are shown for a claim."""
_QUIET = ("never held", "survives")
"""Fates that are a line each; the others are said in full."""


def as_text(found: Comparison, width: int = WIDTH) -> str:
    """The whole comparison in lines of at most ``width`` characters, where words allow it."""
    lines = [*_head(found), *_claims(found), *_facts(found), *_foot(found)]
    return "\n".join(wrapped for line in lines for wrapped in _wrapped(visible(line), width))


def headline(found: Comparison) -> str:
    """The counts: ``2 claims break, 1 drifts, 14 survive``."""
    if not found.claims:
        return "no claim was measured on both sides"
    counts = found.counts
    said = [f"{counts[fate]} {_plural(fate, counts[fate])}" for fate in FATES if fate in counts]
    total = len(found.claims)
    return f"of {total} claim{'' if total == 1 else 's'}: {', '.join(said)}"


def _plural(fate: str, n: int) -> str:
    verbs = {"breaks": "break", "drifts": "drift", "survives": "survive"}
    said = {"lost": "not measured any more", "undecided": "not decided any more"}
    return said.get(fate, fate if n == 1 else verbs.get(fate, fate))


def _head(found: Comparison) -> Iterator[str]:
    yield f"{found.before} -> {found.after}: {headline(found)}"
    if found.tensors is not None:
        first, *rest = found.tensors.lines()
        yield f"weights: {first}"
        yield from rest


def _claims(found: Comparison) -> Iterator[str]:
    for fate in FATES:
        pairs = [pair for pair in found.claims if pair.fate == fate]
        if not pairs:
            continue
        yield ""
        yield f"{fate} ({len(pairs)})"
        for pair in pairs:
            yield from _quiet(pair) if fate in _QUIET else _loud(pair)


def _quiet(pair: ClaimPair) -> Iterator[str]:
    sides = [one.margin for one in (pair.before, pair.after) if one is not None]
    margins = [f"{margin:+.3f}" for margin in sides if margin is not None]
    said = f", margin {' -> '.join(margins)}" if margins else ""
    yield f"  {title(pair)}: {pair.claim}{said}"


def _loud(pair: ClaimPair) -> Iterator[str]:
    yield f"  {title(pair)}: {pair.claim}"
    yield f"    before: {side(pair, pair.before)}"
    yield f"    after:  {side(pair, pair.after)}"
    if pair.readings:
        yield f"    {meaning(pair)}"


def meaning(pair: ClaimPair) -> str:
    """What the results say of both sides; of many results, as of a set of prompts, the first."""
    left = len(pair.readings) - READINGS
    said = [*pair.readings[:READINGS], *([f"... and {left} more"] if left > 0 else [])]
    return "; ".join(said)


def title(pair: ClaimPair) -> str:
    """Which test, and on which backends."""
    backends = f" ({', '.join(pair.backends)})" if pair.backends else ""
    return f"{pair.spec}::{pair.test}{backends}"


def side(pair: ClaimPair, claim: ClaimRecord | None) -> str:
    """What a claim came to on one side; the margin where the headline does not say it."""
    if claim is None:
        return f"not reached ({pair.reason})"
    has = claim.margin is None or "margin" in claim.headline
    return claim.headline if has else f"{claim.headline.rstrip('.')}, margin {claim.margin:+.3f}"


def _facts(found: Comparison) -> Iterator[str]:
    seen: set[tuple[str, ...]] = set()
    for result in found.results:
        if result.facts is None or not (lines := list(facts_lines(result.facts))):
            continue
        where = f"{result.spec}::{result.test}"
        key = (where, *lines)
        if key in seen:  # the other backend says the same
            continue
        if not seen:
            yield ""
            yield "fact by fact"
        seen.add(key)
        backend = f" ({result.backend})" if result.backend else ""
        yield f"  {where}{backend}, {result.facts.n} facts"
        yield from (f"    {line}" for line in lines)


def facts_lines(facts: FactsCompared) -> Iterator[str]:
    """A line for each number and each finding that facts have."""
    yield from map(_shift, facts.shifts)
    for flips in facts.flips:
        if not flips.facts:
            yield f"{flips.field}: the same in all {flips.n}"
        else:
            said = f"{flips.field}: another in {len(flips.facts)} of {flips.n}"
            yield f"{said}: {_named(flips.facts)}"
    for noun, ids in (("before", facts.only_before), ("after", facts.only_after)):
        if ids:
            left = f", ... and {len(ids) - FACTS} more" if len(ids) > FACTS else ""
            yield f"only {noun}: {', '.join(ids[:FACTS])}{left}"


def _shift(shift: Shift) -> str:
    where = f" at {shift.where}" if shift.where else ""
    places = ""
    if shift.places > 1:
        what = shift.where.split()[0] if shift.where else "place"
        places = f", {shift.moved} of {shift.places} {what}s moved"
    said = (
        f"{shift.field}{where}: {shift.judged}, {shift.before:.3f} to {shift.after:.3f}, by "
        f"{shift.by:+.3f} [{shift.low:+.3f}, {shift.high:+.3f}]{places}"
    )
    return said if shift.judged == "within noise" else f"{said}; most: {_named(shift.facts)}"


def _named(facts: tuple[FactMove, ...]) -> str:
    said = [f"{one.id} {_value(one.before)} -> {_value(one.after)}" for one in facts[:FACTS]]
    left = len(facts) - FACTS
    return ", ".join(said) + (f", ... and {left} more" if left > 0 else "")


def _value(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _foot(found: Comparison) -> Iterator[str]:
    changed = sum(result.changed for result in found.results)
    total = sum(result.total for result in found.results)
    if total or found.skipped:
        yield ""
    if total:
        yield f"numbers: {changed:,} of {total:,} values differ; --json has them"
    for reason, n in found.skipped.items():
        yield f"{n} tests skipped on both sides: {reason}"


def _wrapped(line: str, width: int) -> list[str]:
    """One line on several, the further ones moved to the right."""
    indent = len(line) - len(line.lstrip())
    return textwrap.wrap(
        line,
        width,
        initial_indent="",
        subsequent_indent=" " * (indent + 4),
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]
