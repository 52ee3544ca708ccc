"""A pending change as text in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_interp.baselines.review import Change
from pytest_interp.documents import shown
from pytest_interp.report.escaping import visible

NOTHING = "nothing waits for a review"


def described(change: Change) -> str:
    """All that a person decides by: the claims, what moved, and where both figures lie."""
    lines = [f"{change.id}  {change.state}  {change.title}", f"  writes {shown(change.into)}"]
    for judged in change.claims:
        lines += [f"  claim: {judged.claim}", f"    {judged.status}: {judged.sentence}"]
    if not change.claims:
        lines += ["  no claim was decided before the comparison"]
    if change.lines:
        lines += ["  against the baseline:", *(f"    {line}" for line in change.lines)]
    elif change.state == "new":
        lines += ["  nothing was saved before"]
    for note in change.history:
        lines += [f"  accepted {note.time}: {note.note}"]
    for what, picture in (("saved", change.old_picture), ("new", change.new_picture)):
        if picture is not None:
            lines += [f"  {what} figure: {shown(picture)}"]
    if change.why:
        lines += [f"  it may not be accepted: {change.why}"]
    return spoken(lines)


def spoken(parts: Iterable[str]) -> str:
    """Texts as lines in which nothing steers the terminal."""
    return "\n".join(visible(line) for part in parts for line in part.splitlines())


def listed(changes: Sequence[Change]) -> str:
    """A line for each change: id, state and test."""
    if not changes:
        return NOTHING
    width = max(len(change.state) for change in changes)
    rows = (f"{c.id}  {c.state.ljust(width)}  {_named(c)}" for c in changes)
    return "\n".join(visible(row) for row in rows)


def _named(change: Change) -> str:
    """The test, and the entry where the test has several or is not the reference's."""
    return f"{change.title}  {change.into.name}"
