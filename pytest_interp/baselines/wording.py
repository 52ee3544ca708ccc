"""Changes in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from pytest_interp.baselines.compare import Change
from pytest_interp.baselines.entry import Entry
from pytest_interp.results.base import Axis

_EXAMPLES = 3
"""Values shown of one field that moved in many places."""


def describe(changes: list[Change], old: Entry, new: Entry) -> list[str]:
    """Each field that moved, from what to what, by how much and the tolerance, worst first."""
    lines = _by_field([change for change in changes if not change.within_noise], old, new)
    if noise := [change for change in changes if change.within_noise]:
        lines += ["within noise (the numbers that decide it moved less than their tolerance):"]
        lines += indented(_by_field(noise, old, new))
    return lines


def folded(changes: list[Change], old: Entry, new: Entry) -> str:
    """One line: how many values moved, and which findings did."""
    moved = [change for change in changes if not change.within_noise]
    if not moved:
        return "no number moved beyond its tolerance"
    findings = {c.field: value_line(c, old, new) for c in moved if c.field in new.findings}
    said = f"{len(moved)} of {_count(new.result)} values moved"
    if not findings:
        return f"{said}, {' and '.join(new.findings) or 'no finding'} unchanged"
    return "; ".join([said, *list(findings.values())[:_EXAMPLES]])


def _by_field(changes: list[Change], old: Entry, new: Entry) -> list[str]:
    by_field: dict[str, list[Change]] = {}
    for change in changes:  # the worst come first, and their fields as well
        by_field.setdefault(change.field, []).append(change)
    lines = []
    for name, of in by_field.items():
        total = _count(new.result.get(name))
        if total <= 1 or len(of) == 1:
            lines += [value_line(change, old, new) for change in of]
        else:
            lines.append(f"{name}: {len(of)} of {total} values changed, the largest:")
            lines += indented(value_line(change, old, new) for change in of[:_EXAMPLES])
    return lines


def provenance_lines(old: Entry, new: Entry) -> list[str]:
    """What differs in how the two came about, under a head line; empty where nothing does."""
    before, after = _flat(old.provenance), _flat(new.provenance)
    names = [n for n in {**before, **after} if n not in _LAST] + list(_LAST)
    lines = [
        f"{name}: {before.get(name)} -> {after.get(name)}{_MEANING.get(name, '')}"
        for name in names
        if before.get(name) != after.get(name)
    ]
    return ["made differently:", *indented(lines)] if lines else []


_LAST = ("platform", "git_sha", "time")
_MEANING = {
    "fingerprint": "  (the weights are not the same)",
    "bos": "  (the tokens may not be the same)",
}


def _flat(provenance: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in provenance.items() if not isinstance(value, Mapping)}
    for key, inner in provenance.items():
        if isinstance(inner, Mapping):
            flat |= {f"{key}.{name}": value for name, value in inner.items()}
    if flat.pop("git_dirty", None):
        flat["git_sha"] = f"{flat.get('git_sha')} (dirty)"
    return flat


def value_line(change: Change, old: Entry, new: Entry) -> str:
    """One change: where, from what to what, by how much and the tolerance."""
    line = f"{place_of(change, old, new)}: {_show(change.old)} -> {_show(change.new)}"
    if change.by is None:
        return line
    how = "compared exactly"
    if change.allowed is not None:
        how = f"allowed {change.allowed:.2g}: {_times(change.excess)} as much"
    return f"{line}, by {change.by:+.4g} ({how})"


def _times(excess: float) -> str:
    """How many times as much, as people write numbers: 1.03, 24, 1,034."""
    return f"{excess:,.0f} times" if excess >= 10 else f"{excess:.3g} times"


def place_of(change: Change, old: Entry, new: Entry) -> str:
    """Where a value stands, its indices by name: as the new side names them, if it does."""
    named = field = change.field
    rest = change.path[1:]
    names = list(takewhile(lambda key: isinstance(key, str), change.path))
    for finding, decision in (new.findings or old.findings).items():
        if len(names) > 1 and decision.by == ".".join(map(str, names)):
            # "margins.hand_off[0]" is a place in the file: people know the finding
            named, field, rest = f"margin of {finding}", finding, change.path[len(names) :]
    axes, parts = iter((new.axes or old.axes).get(field, ())), []
    for key in rest:
        label = _label(next(axes, None), key, new.result) if isinstance(key, int) else None
        if label is not None:
            parts.append(label)
        else:
            named += f".{key}" if isinstance(key, str) else f"[{key}]"
    return f"{named} at {', '.join(parts)}" if parts else named


def _label(axis: Axis | None, index: int, result: Mapping[str, Any]) -> str | None:
    labels = result.get(axis.labels) if axis else None
    # an edited file may hold anything there
    if axis is None or not isinstance(labels, list) or index >= len(labels):
        return None
    label = labels[index]
    if not isinstance(label, str):
        return f"{axis.name} {label}"
    # a word of a prompt is found by its place
    is_placed = axis.name == "token" or labels.count(label) > 1
    return f"{axis.name} {label!r}" + (f" ({index})" if is_placed else "")


def _show(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.5g}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"an object of {len(value)} fields"
    return repr(value)


def _count(value: Any) -> int:
    below = value.values() if isinstance(value, Mapping) else value
    return sum(map(_count, below)) if isinstance(value, (Mapping, list)) else 1


def indented(lines: Iterable[str]) -> list[str]:
    """The lines, moved to the right."""
    return [f"  {line}" for line in lines]
