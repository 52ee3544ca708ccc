"""One entry as a snapshot of syrupy, which reads it, compares it and describes what moved.

Two entries match when nothing moved by more than noise. Nothing is written here: an update writes
after the test has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrupy.assertion import SnapshotAssertion
from syrupy.data import SnapshotCollections
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from pytest_interp.baselines.compare import Change, changed, compare
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import read_if_there
from pytest_interp.baselines.names import same_but_for_case
from pytest_interp.baselines.policy import Update
from pytest_interp.baselines.store import Slot
from pytest_interp.baselines.wording import describe
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError


class EntryExtension(SingleFileSnapshotExtension):
    """Entries as syrupy's data; the name of a snapshot is the path of its file."""

    file_extension = "json"
    _changes: list[Change]

    def serialize(self, data: Any, **_: Any) -> Any:
        return data

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        self._changes = compare(snapshot_data, serialized_data)
        return not changed(self._changes)

    def diff_lines(self, serialized_data: Any, snapshot_data: Any) -> Iterator[str]:
        yield from describe(self._changes, snapshot_data, serialized_data)

    @classmethod
    def get_location(cls, *, test_location: Any, index: Any) -> str:
        return str(index)

    def discover_snapshots(self, **_: Any) -> SnapshotCollections:
        # after a run of one test, syrupy would take the files of all others for unused and, on
        # update, delete them; obsolete files are found at the end of a complete run instead
        return SnapshotCollections()

    def read_snapshot_data_from_location(self, *, snapshot_location: str, **_: Any) -> Any:
        path = Path(snapshot_location)
        content = read_if_there(path)
        return None if content is None else Entry.loads(content, shown(path))


@dataclass(frozen=True)
class Comparison:
    """A new result and what is saved for it."""

    slot: Slot
    new: Entry
    old: Entry | None
    """None where nothing readable is saved."""
    needs: Update
    """The least update that makes the saved entry agree."""
    lines: list[str]
    """What moved, in words; noise as well."""
    error: BaselineError | None = None
    """Why the saved entry cannot be read."""
    seen: bytes | None = None
    """The saved file of numbers; None where there is none."""


def compare_with_saved(slot: Slot, new: Entry, snapshot: SnapshotAssertion) -> Comparison:
    """Compare a result with its entry. The entry is only read.

    Raises:
        BaselineError: its place cannot be read at all, or another entry has the same name but for
            its case.
    """
    if (other := same_but_for_case(slot.numbers)) is not None:
        raise BaselineError(
            f"{shown(slot.numbers)} and {other}, which is there, differ in case alone: some file "
            "systems take them for one file. Rename one of the tests, parameters or results; or "
            f"delete {other} where nothing asks for it"
        )
    # before the comparison: what another run writes from now on is found when this one writes
    seen = read_if_there(slot.numbers)
    agrees = snapshot(name=str(slot.numbers)) == new
    done = snapshot.executions[snapshot.num_executions - 1]
    asserted: Any = done.asserted_data
    old: Any = done.recalled_data
    if isinstance(done.exception, BaselineError):
        return Comparison(slot, new, None, Update.ALL, [], done.exception, seen)
    if done.exception is not None:
        raise done.exception
    if old is None:
        return Comparison(slot, new, None, Update.MISSING, [], seen=seen)
    # syrupy reports nothing about a match; what moved within the noise is shown all the same
    lines = snapshot.get_assert_diff() or snapshot.extension.diff_lines(asserted, old)
    needs = Update.NOTHING if agrees else Update.CHANGED
    return Comparison(slot, new, old, needs, list(lines), seen=seen)
