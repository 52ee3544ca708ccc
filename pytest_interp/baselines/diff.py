"""What changed between two states of the baselines: folders, or revisions in git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pytest_interp.baselines import git, store
from pytest_interp.baselines.compare import changed, compare
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.report import describe, indented, provenance_lines
from pytest_interp.baselines.store import NUMBERS
from pytest_interp.errors import BaselineError

Status = Literal["added", "removed", "changed", "within tolerance", "same"]


@dataclass(frozen=True)
class ClaimDiff:
    """One entry on both sides."""

    name: str
    status: Status
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.status}: {self.name}", *indented(self.lines)])


@dataclass(frozen=True)
class Report:
    """All entries of both sides. Its text tells what changed, in words and numbers."""

    old: str
    new: str
    claims: tuple[ClaimDiff, ...]

    @property
    def changed(self) -> bool:
        """Whether any claim was added or removed, or moved out of tolerance."""
        return any(claim.status in ("added", "removed", "changed") for claim in self.claims)

    @property
    def exit_status(self) -> int:
        """For CI: 0 where nothing changed, 1 where something did (2 is for wrong use)."""
        return int(self.changed)

    def __str__(self) -> str:
        shown = [c for c in self.claims if c.status != "same"]
        count = {s: sum(c.status == s for c in self.claims) for s in _ORDER}
        totals = ", ".join(f"{n} {status}" for status, n in count.items() if n)
        ordered = sorted(shown, key=lambda c: (_ORDER.index(c.status), c.name))
        head = f"{self.old} -> {self.new}: {totals}"
        return "\n\n".join([head, *map(str, ordered)])


_ORDER: tuple[Status, ...] = ("changed", "removed", "added", "within tolerance", "same")


def diff_baselines(old: str | Path, new: str | Path, folder: str = "baselines") -> Report:
    """Compare two states of the baselines.

    Args:
        old: a folder of baselines, or a git revision of the repository around the working folder.
        new: the same.
        folder: where the baselines lie in a revision: below the working folder or, where it has
            none, below the nearest folder above it in the repository that has.

    Raises:
        BaselineError: a side is neither a folder nor a revision, holds a broken file, or neither
            side has an entry.
    """
    revisions = {str(s): git.commit_of(str(s)) for s in (old, new) if not Path(s).is_dir()}
    place = git.folder_in(list(revisions.values()), folder) if revisions else folder
    before, after = (_entries(side, revisions, place) for side in (old, new))
    if not before and not after:
        raise BaselineError(
            f"neither {old} nor {new} has an entry of baselines"
            + (f" in {place!r}: name their folder with --folder" if revisions else "")
        )
    claims = [_claim(name, before.get(name), after.get(name)) for name in sorted({*before, *after})]
    return Report(str(old), str(new), tuple(claims))


def _claim(name: str, old: Entry | None, new: Entry | None) -> ClaimDiff:
    title = _title(name)
    if old is None:
        return ClaimDiff(title, "added")
    if new is None:
        return ClaimDiff(title, "removed")
    changes = compare(old, new)
    if not changes:
        same = old.result == new.result
        return ClaimDiff(title, "same" if same else "within tolerance")
    lines = describe(changes, old, new)
    differing = provenance_lines(old, new)
    if differing:
        lines += ["made differently:", *indented(differing)]
    return ClaimDiff(title, "changed" if changed(changes) else "within tolerance", tuple(lines))


def _title(name: str) -> str:
    path = PurePosixPath(name)
    test, *rest = path.name.removesuffix(NUMBERS).split("--")
    return f"{path.parent}: {test}" + (f" ({', '.join(rest)})" if rest else "")


def _entries(side: str | Path, revisions: Mapping[str, str], folder: str) -> dict[str, Entry]:
    """All entries of one side by their path below the folder of baselines."""
    commit = revisions.get(str(side))
    if commit is None:
        paths = (p for p in Path(side).rglob(f"*{NUMBERS}") if p.is_file() and not p.is_symlink())
        files = {path.relative_to(side).as_posix(): store.read(path) for path in sorted(paths)}
    else:
        files = git.files_of(commit, folder, NUMBERS)
    return {
        name: Entry.loads(data, f"{side}: {name}")
        for name, data in files.items()
        if store.may_be_entry(PurePosixPath(name).name, data)
    }
