"""Pending entries, one by one: what each would change, and what accepting or refusing it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pytest_interp.baselines import projects
from pytest_interp.baselines.compare import changed, compare
from pytest_interp.baselines.entry import Entry, Note
from pytest_interp.baselines.files import digest, read, read_if_there
from pytest_interp.baselines.locks import one_writer
from pytest_interp.baselines.pending import (
    About,
    Judged,
    PendingEntry,
    PendingFolder,
    changed_meanwhile,
    numbers_digest,
)
from pytest_interp.baselines.policy import Update
from pytest_interp.baselines.saving import Save
from pytest_interp.baselines.snapshot import Comparison
from pytest_interp.baselines.store import Slot
from pytest_interp.baselines.wording import describe, provenance_lines
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError

State = Literal["changed", "new", "other backend", "stale"]
"""What waits may be accepted: it differs, or nothing was saved. Or it may not: only an entry for
one backend alone could be written; or it has to be seen again."""
MAX_NOTE: Final = 1000
"""Characters of a note."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One pending entry, as a person looks at it."""

    id: str
    title: str
    """The test, or the entry's name where the test is not known."""
    state: State
    why: str
    """Why it may not be accepted, and what to do; empty where it may."""
    into: Path
    """The numbers that accepting it writes."""
    claims: tuple[Judged, ...] = ()
    lines: tuple[str, ...] = ()
    """What moved, and how the two were made differently."""
    history: tuple[Note, ...] = ()
    old_picture: Path | None = None
    new_picture: Path | None = None
    waiting: PendingEntry


@dataclass(frozen=True)
class Review:
    """The pending entries of a project."""

    folder: PendingFolder
    rootdir: Path
    project: str = ""
    """The name of the project, where the folder of baselines may hold those of several."""
    overrides: bool = False
    """Whether entries for one backend alone may be written."""

    def changes(self) -> list[Change]:
        """All that waits. The shared entry comes before those for one backend alone."""
        return [self._change(waiting) for waiting in self.folder.entries()]

    def accept(self, change: Change, note: str = "") -> list[str]:
        """Write what waits as its baseline, and return what to say of it.

        What waits for other backends and agrees with it is forgotten.

        Args:
            change: as it was shown.
            note: why, for the history of the entry.

        Raises:
            BaselineError: it may not be written or cannot be; the message says what to do.
        """
        note = " ".join(note.split())
        if len(note) > MAX_NOTE:
            raise BaselineError(f"the note has {len(note)} characters: at most {MAX_NOTE} are kept")
        waiting = change.waiting
        with one_writer(self.folder.root):
            _must_be_as_shown(waiting)
            now = self._change(waiting)
            if now.why or waiting.entry is None or waiting.about is None:
                raise BaselineError(f"{change.id} was not accepted: {now.why}")
            save = _save_of(waiting, waiting.entry, note)
            projects.claim(self.folder.baselines, self.rootdir, self.project)
            said = [save.write()]
            self.folder.remove(waiting.slot)
        return said + self._settle(waiting.into, save.entry)

    def _settle(self, into: Slot, accepted: Entry) -> list[str]:
        """Forget what was compared with an entry and agrees with the one that replaced it."""
        said = []
        for other in self.folder.entries():
            if other.about is None or other.entry is None:
                continue
            is_compared = self.folder.base_of(other.about) == into
            if is_compared and not changed(compare(accepted, other.entry)):
                self.folder.drop(other.into)
                said.append(f"{other.about.backend} agrees with it ({other.id})")
        return said

    def refuse(self, change: Change) -> list[str]:
        """Forget what waits, and return what to say of it. The baseline stays as it is.

        Raises:
            BaselineError: another one waits there meanwhile, or it cannot be deleted.
        """
        with one_writer(self.folder.root):
            _must_be_as_shown(change.waiting)
            self.folder.remove(change.waiting.slot)
        return [f"refused: {shown(change.into)} stays as it is"]

    def _change(self, waiting: PendingEntry) -> Change:
        if waiting.about is None or waiting.entry is None:
            return Change(
                id=waiting.id,
                title=shown(waiting.into.numbers),
                state="stale",
                why=f"{waiting.problem}. Run its test again",
                into=waiting.into.numbers,
                waiting=waiting,
            )
        about, base = waiting.about, self.folder.base_of(waiting.about)
        why, old, lines = self._stale(waiting, about), None, []
        try:
            content = read_if_there(base.numbers)
            old = None if content is None else Entry.loads(content, shown(base.numbers))
        except BaselineError as error:
            why = why or str(error)
        if old is not None:
            lines = describe(compare(old, waiting.entry), old, waiting.entry)
            lines += [about.figure_problem] if about.figure_problem else []
            lines += provenance_lines(old, waiting.entry)
        state: State = "stale" if why else "new" if old is None else "changed"
        if not why and not about.shared and not self.overrides:
            state, why = "other backend", _only_compares(waiting.id, about)
        return Change(
            id=waiting.id,
            title=about.origin.test,
            state=state,
            why=why,
            into=waiting.into.numbers,
            claims=about.claims,
            lines=tuple(lines),
            history=old.history if old else (),
            old_picture=_picture(base),
            new_picture=_picture(waiting.slot),
            waiting=waiting,
        )

    def _stale(self, waiting: PendingEntry, about: About) -> str:
        """Why the entry has to be seen again; empty where it stands as the run saw it."""
        spec = read_if_there(self.rootdir / about.origin.spec)
        base = self.folder.base_of(about)
        reason = ""
        if spec is None:
            return f"its spec {about.origin.spec} is gone: refuse it"
        if digest(spec) != about.origin.spec_digest:
            reason = f"{about.origin.spec} changed after the run that saw this"
        elif numbers_digest(waiting.into) != about.into_digest:
            reason = f"{shown(waiting.into.numbers)} changed after the run that saw this"
        elif numbers_digest(base) != about.base_digest:
            reason = f"{shown(base.numbers)}, which it was compared with, changed after that"
        return f"{reason}. Run again:\n  {about.origin.command}" if reason else ""


def chosen(changes: Sequence[Change], ids: Sequence[str]) -> list[Change]:
    """The changes of these ids, or of beginnings of them; all of them for ``all``.

    Raises:
        BaselineError: an id is unknown, or several begin with it.
    """
    if "all" in ids:
        return list(changes)
    found: list[Change] = []
    for given in ids:
        matches = [change for change in changes if change.id.startswith(given)]
        if len(matches) != 1:
            how = "several ids begin so" if matches else "nothing waits under this id"
            raise BaselineError(
                f"{given!r}: {how}. pytest-interp review --list shows the ids of all that wait"
            )
        found += [change for change in matches if change not in found]
    return found


def _picture(slot: Slot) -> Path | None:
    return slot.picture if slot.picture.is_file() else None


def _must_be_as_shown(waiting: PendingEntry) -> None:
    if changed_meanwhile(waiting):
        raise BaselineError(
            f"{waiting.id} is not what was shown: another run or review has replaced or removed it "
            "meanwhile. Look at what waits now: pytest-interp review"
        )


def _only_compares(id_: str, about: About) -> str:
    return (
        f"an update writes the entry that all backends share, and {about.backend} only compares. "
        f"Where {about.backend} must differ, keep an entry for it alone:\n"
        f"  pytest-interp review --override {id_}"
    )


def _save_of(waiting: PendingEntry, entry: Entry, note: str) -> Save:
    """What an update would write, with a note in its history."""
    into = waiting.into
    content, replaces = read_if_there(into.numbers), None
    if content is not None:
        old = Entry.loads(content, shown(into.numbers))
        replaces = Comparison(into, entry, old, Update.CHANGED, [], seen=content)
        entry = replace(entry, history=old.history)
    if note:
        made = Note(_now(), note, entry.provenance.get("git_sha"))
        entry = replace(entry, history=(*entry.history, made))
    images = {}
    if entry.figure is not None:
        images = {
            into.picture: read(waiting.slot.picture),
            into.raster: read(waiting.slot.raster),
        }
    verb = "added" if replaces is None else "updated"
    return Save(into, entry, images, replaces, f"{verb} {shown(into.numbers)}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
