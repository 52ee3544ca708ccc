"""What changed between two states of the baselines: folders, or revisions in git."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

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
        head = f"{self.old} -> {self.new}: {totals or 'no baselines'}"
        return "\n\n".join([head, *map(str, ordered)])


_ORDER: tuple[Status, ...] = ("changed", "removed", "added", "within tolerance", "same")


def diff(old: str | Path, new: str | Path, folder: str = "baselines") -> Report:
    """Compare two states of the baselines.

    Args:
        old: a folder of baselines, or a git revision of the repository around the working folder.
        new: the same.
        folder: where the baselines lie in a revision, relative to the working folder.

    Raises:
        BaselineError: a side is neither a folder nor a revision, or holds a broken file.
    """
    before, after = _read(old, folder), _read(new, folder)
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


def _read(side: str | Path, folder: str) -> dict[str, Entry]:
    """All entries of one side by their path below the folder of baselines."""
    if Path(side).is_dir():
        root = Path(side)
        texts = {
            file.relative_to(root).as_posix(): file.read_bytes()
            for file in sorted(root.rglob(f"*{NUMBERS}"))
        }
    else:
        texts = _revision(str(side), folder)
    return {
        name: Entry.loads(text.decode(errors="replace"), f"{side}: {name}")
        for name, text in texts.items()
    }


def _revision(revision: str, folder: str) -> dict[str, bytes]:
    if revision.startswith("-"):
        raise BaselineError(f"{revision!r} is neither a folder nor a git revision")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise BaselineError(
            f"{revision!r} is neither a folder nor a git revision here. Give a folder of baselines "
            "(baselines, or a copy of it), or a revision such as HEAD, main or v1.0, from inside "
            "of the repository"
        )
    name = commit.decode().strip()
    listed = _git("ls-tree", "--name-only", name, "--", folder)
    if not listed:
        return {}
    # relative to the working folder, as the names in the archive are
    archive = _git("archive", "--format=tar", name, "--", folder)
    if archive is None:
        raise BaselineError(f"git cannot read {folder!r} of revision {revision!r}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            PurePosixPath(member.name).relative_to(folder).as_posix(): file.read()
            for member in tar.getmembers()
            if member.isfile() and member.name.endswith(NUMBERS)
            for file in [tar.extractfile(member)]
            if file is not None
        }


def _git(*arguments: str) -> bytes | None:
    """Output of a git command, or None where it fails."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=60)
    except FileNotFoundError:
        raise BaselineError("git is not installed: give two folders of baselines") from None
    except subprocess.TimeoutExpired:
        raise BaselineError(f"git {arguments[0]} did not answer within 60 s") from None
    return done.stdout if done.returncode == 0 else None
