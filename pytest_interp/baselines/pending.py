"""What an update writes once the test has passed, and says only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.session import SnapshotSession

from pytest_interp.baselines import store
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.extension import BaselineExtension, BaselineLocation
from pytest_interp.baselines.store import Slot


class Pending:
    """The snapshots of one test in a syrupy session of their own, pictures, and notes on both.

    In a session of our own the user's counts, reports and unused snapshots stay as they are.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._item = request.node
        self._session = SnapshotSession(pytest_session=request.session)
        self._pictures: dict[Path, bytes] = {}
        self._notes: list[str] = []

    def snapshot(self, slot: Slot) -> SnapshotAssertion:
        """The saved numbers as something to compare with."""
        return SnapshotAssertion(
            session=self._session,
            extension_class=BaselineExtension,
            test_location=BaselineLocation(self._item, file=slot.numbers),
            # what is written is queued here, by our own rules
            update_snapshots=False,
        )

    def add(self, note: str, entry: Entry | None, slot: Slot, pictures: dict[Path, bytes]) -> None:
        """Queue numbers and pictures, with the note that tells of them."""
        if entry is not None:
            self._session.queue_snapshot_write(
                extension=BaselineExtension(),
                test_location=BaselineLocation(self._item, file=slot.numbers),
                data=entry.dumps(),
                index=0,
            )
        self._pictures |= pictures
        self._notes.append(note)

    def __bool__(self) -> bool:
        return bool(self._notes)

    def write(self) -> list[str]:
        """Write everything and return the notes.

        Raises:
            BaselineError: a file cannot be written.
        """
        self._session.flush_snapshot_write_queue()
        for path, data in self._pictures.items():
            store.write(path, data)
        return self._notes
