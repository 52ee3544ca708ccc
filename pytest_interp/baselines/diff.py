"""What changed between two states of the baselines: folders, or revisions in git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pytest_interp.baselines import revisions, store
from pytest_interp.baselines.compare import changed, compare
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import read
from pytest_interp.baselines.names import NUMBERS
from pytest_interp.baselines.wording import describe, indented, provenance_lines
from pytest_interp.errors import BaselineError

Status = Literal["added", "missing", "changed", "within tolerance", "same"]


@dataclass(frozen=True)
class EntryDiff:
    """One entry on both sides."""

    name: str
    status: Status
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.status}: {self.name}", *indented(self.lines)])


@dataclass(frozen=True)
class BaselinesDiff:
    """All entries of both sides. Its text says what changed, in words and numbers."""

    old: str
    new: str
    entries: tuple[EntryDiff, ...]
    """By name."""

    @property
    def changed(self) -> bool:
        """Whether any entry was added or is missing, or moved out of tolerance."""
        return any(entry.status in ("added", "missing", "changed") for entry in self.entries)

    def __str__(self) -> str:
        by_status = {s: [e for e in self.entries if e.status == s] for s in _ORDER}
        totals = ", ".join(f"{len(of)} {status}" for status, of in by_status.items() if of)
        others = [str(entry) for s, of in by_status.items() if s != "same" for entry in of]
        return "\n\n".join([f"{self.old} -> {self.new}: {totals}", *others])


_MISSING = "only the first has it: its test is gone, was not run, or failed before it was saved"
_ORDER: tuple[Status, ...] = ("changed", "missing", "added", "within tolerance", "same")


def diff_baselines(old: str | Path, new: str | Path, folder: str = "baselines") -> BaselinesDiff:
    """Compare two states of the baselines.

    Args:
        old: a folder of baselines, or a git revision of the repository around the working folder.
        new: the same.
        folder: where the baselines lie in a revision: below the working folder or, where it has
            none, below the nearest folder above it in the repository that has.

    Raises:
        BaselineError: a side is neither a folder nor a revision, a file is broken, or neither side
            has an entry.
    """
    commits = {str(s): revisions.commit_of(str(s)) for s in (old, new) if not Path(s).is_dir()}
    place = revisions.folder_in(list(commits.values()), folder) if commits else folder
    before, after = (_entries(side, commits.get(str(side)), place) for side in (old, new))
    if not before and not after:
        raise BaselineError(
            f"neither {old} nor {new} has an entry of baselines"
            + (f" in {place!r}: name their folder with --folder" if commits else "")
        )
    names = sorted({*before, *after})
    entries = (_compared(name, before.get(name), after.get(name)) for name in names)
    return BaselinesDiff(str(old), str(new), tuple(entries))


def _compared(name: str, old: Entry | None, new: Entry | None) -> EntryDiff:
    path = PurePosixPath(name)
    test, *rest = path.name.removesuffix(NUMBERS).split("--")
    title = f"{path.parent}: {test}" + (f" ({', '.join(rest)})" if rest else "")
    if old is None:
        return EntryDiff(title, "added")
    if new is None:
        return EntryDiff(title, "missing", (_MISSING,))
    changes = compare(old, new)
    notes = [f"accepted: {note.note}" for note in new.history if note not in old.history]
    if not changes and not notes:
        return EntryDiff(title, "same" if old.result == new.result else "within tolerance")
    lines = [*describe(changes, old, new), *notes, *provenance_lines(old, new)]
    return EntryDiff(title, "changed" if changed(changes) else "within tolerance", tuple(lines))


def _entries(side: str | Path, commit: str | None, folder: str) -> dict[str, Entry]:
    """All entries of one side by their path below the folder of baselines."""
    if commit is None:
        paths = (p for p in Path(side).rglob(f"*{NUMBERS}") if p.is_file() and not p.is_symlink())
        files = {path.relative_to(side).as_posix(): read(path) for path in sorted(paths)}
    else:
        files = revisions.files_of(commit, folder, NUMBERS)
    return {
        name: Entry.loads(data, f"{side}: {name}")
        for name, data in files.items()
        if store.may_be_entry(PurePosixPath(name).name, data)
    }
