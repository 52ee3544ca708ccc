"""One writer at a time in each folder of baselines, among all processes of a user."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from pytest_interp.errors import BaselineError, CacheError
from pytest_interp.models.converted import cache_root

_PATIENCE: Final = 60.0
"""Seconds to wait for another writer: an entry is written in milliseconds."""


@contextmanager
def one_writer(folder: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock of a folder. The system releases it when the process ends, killed or not.

    The lock's file lies in the user's cache, by the folder's path: nothing is left beside the
    baselines. It stays there, for a lock that is deleted can be held twice.

    Raises:
        BaselineError: another process holds the lock all the time, or no lock can be made.
    """
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]
    lock = FileLock(_lock_folder() / f"{name}.lock", timeout=patience)
    try:
        lock.acquire()
    except Timeout as error:
        raise BaselineError(
            f"another run is writing baselines in {folder}, and did not finish within "
            f"{patience:g} seconds: run this one again when the other has ended. It holds "
            f"{lock.lock_file}"
        ) from error
    except OSError as error:
        raise BaselineError(f"cannot lock {folder} by {lock.lock_file} ({error})") from error
    try:
        yield
    finally:
        lock.release()


def _lock_folder() -> Path:
    places = (cache_root, lambda: Path(tempfile.gettempdir()) / "pytest-interp")
    for place in places:
        try:
            folder = place() / "locks"
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except (OSError, CacheError) as error:
            problem = error
    raise BaselineError(
        f"no folder for locks can be written ({problem}): set PYTEST_INTERP_CACHE to a folder "
        "where caches may lie"
    ) from problem
