"""What one run of pytest learns about baselines: what was used, noted, and left over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pytest_interp.baselines import store


@dataclass(frozen=True)
class TestRecord:
    """What one test did; travels from workers as JSON."""

    __test__ = False

    folder: str
    """Where the baselines of its spec lie."""
    used: tuple[str, ...] = ()
    """Files that it compared with or wrote."""
    kept: str | None = None
    """Stem of its files, where it did not run to its end and so may not have asked for all."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        used, notes = list(self.used), list(self.notes)
        return {"folder": self.folder, "used": used, "kept": self.kept, "notes": notes}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(data["folder"], tuple(data["used"]), data["kept"], tuple(data["notes"]))


@dataclass
class RunRecord:
    """The records of all tests of a run."""

    tests: list[TestRecord] = field(default_factory=list)
    deselected: int = 0

    @property
    def notes(self) -> list[str]:
        """All notes, in the order of the tests."""
        return [note for test in self.tests for note in test.notes]

    def obsolete(self, root: Path, covered: Iterable[Path], rootdir: Path) -> list[Path]:
        """Files of baselines that no test asked for.

        Only to be trusted after a complete, unfiltered, green run.

        Args:
            root: the folder of all baselines.
            covered: folders below it whose specs were all part of the run.
            rootdir: what the paths of specs are relative to.
        """
        used = {file for test in self.tests for file in test.used}
        kept = {(test.folder, test.kept) for test in self.tests if test.kept is not None}
        ran = {test.folder for test in self.tests}
        found = {file for folder in covered for file in store.files_below(folder)}
        return sorted(
            file
            for file in found
            if str(file) not in used
            and not any(str(file.parent) == f and _begins(file.name, stem) for f, stem in kept)
            # a spec that exists but gave no test was left out by something that we cannot see
            and (str(file.parent) in ran or not _has_spec(file.parent, root, rootdir))
        )


def _begins(name: str, stem: str) -> bool:
    return name.startswith((f"{stem}.", f"{stem}@", f"{stem}--"))


def _has_spec(folder: Path, root: Path, rootdir: Path) -> bool:
    spec = rootdir / folder.relative_to(root)
    return any(Path(f"{spec}{suffix}").is_file() for suffix in (".py", ".yaml", ".yml"))
