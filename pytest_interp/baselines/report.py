"""Changes in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pytest_interp.baselines.compare import ABSENT, Change
from pytest_interp.baselines.entry import Entry

_EXAMPLES = 3
"""Values shown of one field that moved in many places."""


def describe(changes: list[Change], old: Entry, new: Entry) -> list[str]:
    """Each field that moved, from what to what, by how much and the tolerance, worst first."""
    moved = [change for change in changes if not change.within_noise]
    noise = [change for change in changes if change.within_noise]
    lines = _by_field(moved, old, new)
    if noise:
        lines += ["within noise (the numbers that decide it moved less than their tolerance):"]
        lines += indented(_by_field(noise, old, new))
    return lines


def _by_field(changes: list[Change], old: Entry, new: Entry) -> list[str]:
    by_field: dict[str, list[Change]] = {}
    for change in changes:  # the worst first, so that their fields come first as well
        by_field.setdefault(change.field, []).append(change)
    return [line for name, of in by_field.items() for line in _field(name, of, old, new)]


def provenance_lines(old: Entry, new: Entry) -> list[str]:
    """What differs in how the two came about; empty where nothing does."""
    before, after = _flat(old.provenance), _flat(new.provenance)
    names = [n for n in {**before, **after} if n not in _LAST] + list(_LAST)
    return [
        f"{name}: {before.get(name)} -> {after.get(name)}{_MEANING.get(name, '')}"
        for name in names
        if before.get(name) != after.get(name)
    ]


_LAST = ("platform", "git_sha", "time")
_MEANING = {
    "fingerprint": "  (the weights are not the same)",
    "bos": "  (the tokens may not be the same)",
}


def _flat(provenance: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in provenance.items():
        if key == "git_dirty":
            continue
        if key == "git_sha" and provenance.get("git_dirty"):
            flat[key] = f"{value} (dirty)"
        elif isinstance(value, Mapping):
            flat.update({f"{key}.{inner}": v for inner, v in value.items()})
        else:
            flat[key] = value
    return flat


def _field(name: str, changes: list[Change], old: Entry, new: Entry) -> list[str]:
    total = _count(new.result.get(name))
    if total <= 1 or len(changes) == 1:
        return [_value_line(change, old, new) for change in changes]
    lines = [f"{name}: {len(changes)} of {total} values changed, the largest:"]
    lines += [f"  {_value_line(change, old, new)}" for change in changes[:_EXAMPLES]]
    return lines


def _value_line(change: Change, old: Entry, new: Entry) -> str:
    line = f"{place(change, new)}: {_show(change.old)} -> {_show(change.new)}"
    if change.old is ABSENT or change.new is ABSENT or _are_words(change):
        return line
    by = change.new - change.old
    if change.allowed is None:
        return f"{line}, by {by:+.4g} (compared exactly)"
    return f"{line}, by {by:+.4g} (allowed {change.allowed:.2g}: {change.excess:.3g} times as much)"


def _are_words(change: Change) -> bool:
    return not all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in (change.old, change.new)
    )


def place(change: Change, entry: Entry) -> str:
    """Where a value stands, with layers and tokens by name."""
    axes = _axes(entry.result, change.field)
    named, parts = change.field, []
    for key in change.path[1:]:
        axis = axes.pop(0) if axes else None
        if isinstance(key, str):
            named += f".{key}"
        elif axis is not None:
            parts.append(axis(key))
        else:
            named += f"[{key}]"
    return f"{named} at {', '.join(parts)}" if parts else named


def _axes(result: Mapping[str, Any], field: str) -> list[Callable[[int], str]]:
    """How to name the indices of a field whose axes are [layer, token], [fact, layer] or less."""
    named = (result.get(key) for key in ("layers", "str_tokens", "ids"))
    # a file that somebody edited may hold anything there
    layers, tokens, ids = (axis if isinstance(axis, list) else [] for axis in named)
    values = result.get(field)
    if field in ("layers", "str_tokens", "ids") or not isinstance(values, list) or not values:
        return []
    lengths = {len(row) if isinstance(row, list) else 0 for row in values}
    inner = lengths.pop() if len(lengths) == 1 else 0

    def layer(i: int) -> str:
        return f"layer {layers[i]}"

    if len(values) == len(ids):
        return [lambda i: f"fact {ids[i]!r}", *([layer] if inner == len(layers) else [])]
    if len(values) != len(layers):
        return []
    by_token = inner and inner == len(tokens)
    return [layer, *([lambda i: f"token {tokens[i]!r} ({i})"] if by_token else [])]


def _show(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.5g}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"an object of {len(value)} fields"
    return repr(value)


def _count(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(_count(v) for v in value.values())
    if isinstance(value, list):
        return sum(_count(v) for v in value)
    return 1


def indented(lines: Iterable[str], by: int = 2) -> list[str]:
    """The lines, moved to the right."""
    return [" " * by + line for line in lines]
