"""What an update writes once the test has passed, and says only then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_interp.baselines import store


class Pending:
    """Files of one test, and notes on them."""

    def __init__(self) -> None:
        self._files: dict[Path, bytes] = {}
        self._notes: list[str] = []

    def add(self, note: str, files: Mapping[Path, bytes]) -> None:
        """Queue files, with the note that tells of them."""
        self._files |= files
        self._notes.append(note)

    def __bool__(self) -> bool:
        return bool(self._files)

    def write(self) -> list[str]:
        """Write everything and return the notes.

        Raises:
            BaselineError: a file cannot be written.
        """
        for path, data in self._files.items():
            store.write(path, data)
        return self._notes
