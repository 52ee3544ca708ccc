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
    """Entries that it compared with or wrote, each by its shared file of numbers."""
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
    collected: int = 0
    """Tests that were to run."""
    finished: set[str] = field(default_factory=set)
    """Node ids of the tests that ran to the end of their teardown, skipped ones included."""
    deselected: int = 0

    @property
    def notes(self) -> list[str]:
        """All notes, in the order of the tests."""
        return [note for test in self.tests for note in test.notes]

    def obsolete(self, root: Path, covered: Iterable[Path], rootdir: Path) -> list[Path]:
        """Files of entries that no test asked for.

        Only to be trusted after a complete, unfiltered, green run. An entry for one backend alone
        is in use as long as the shared one is, and the other way round: which of the two a test
        reads depends on the backends of the run.

        Args:
            root: the folder of all baselines.
            covered: folders below it whose specs were all part of the run.
            rootdir: what the paths of specs are relative to.
        """
        used = {entry for test in self.tests for entry in test.used}
        kept = {(test.folder, test.kept) for test in self.tests if test.kept is not None}
        ran = {test.folder for test in self.tests}
        found = {slot for folder in covered for slot in store.slots_below(folder)}
        return sorted(
            file
            for slot in found
            if str(slot.shared.numbers) not in used
            and not any(str(slot.folder) == f and _begins(slot.shared, stem) for f, stem in kept)
            # a spec that exists but gave no test was left out by something that we cannot see
            and (str(slot.folder) in ran or not _has_spec(slot.folder, root, rootdir))
            for file in slot.files
        )


def _begins(slot: store.Slot, stem: str) -> bool:
    return slot.stem == stem or slot.stem.startswith(f"{stem}--")


def _has_spec(folder: Path, root: Path, rootdir: Path) -> bool:
    spec = rootdir / folder.relative_to(root)
    return any(Path(f"{spec}{suffix}").is_file() for suffix in (".py", ".yaml", ".yml"))
