"""Baselines as syrupy snapshots: one JSON file a result, compared within tolerances.

The extension and the location stand at module level, where xdist workers find them by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syrupy.data import SnapshotCollections
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from pytest_interp.baselines.compare import changed, compare
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.report import describe


@dataclass(frozen=True)
class BaselineLocation(PyTestLocation):
    """A test's place in syrupy's eyes, with the file that is meant."""

    file: Path = field(kw_only=True)

    def matches_snapshot_name(self, snapshot_name: str) -> bool:
        return True

    def matches_snapshot_location(self, snapshot_location: str) -> bool:
        return True


class BaselineExtension(SingleFileSnapshotExtension):
    """Serializes an :class:`Entry`; two of them match when nothing moved by more than noise.

    It only ever reads: what is written waits until the test has passed (``pending.py``).
    """

    file_extension = "json"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        entry: Entry = data
        return entry.dumps()

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        old, new = _entries(snapshot_data, serialized_data)
        return not changed(compare(old, new))

    def diff_lines(self, serialized_data: Any, snapshot_data: Any) -> Iterator[str]:
        old, new = _entries(snapshot_data, serialized_data)
        yield from describe(compare(old, new), old, new)

    @classmethod
    def get_location(cls, *, test_location: PyTestLocation, index: Any) -> str:
        assert isinstance(test_location, BaselineLocation)
        return str(test_location.file)

    def discover_snapshots(self, **_: Any) -> SnapshotCollections:
        # scanning the folder, syrupy would call the siblings of a single test unused and, on
        # update, delete them; what is obsolete is found at the end of a complete run
        return SnapshotCollections()

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> str | None:
        path = Path(snapshot_location)
        return path.read_text(encoding="utf-8") if path.is_file() else None


def _entries(old: Any, new: Any) -> tuple[Entry, Entry]:
    return Entry.loads(str(old), "the baseline"), Entry.loads(str(new), "the new result")
