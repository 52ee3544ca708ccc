"""The entries of the store: one file each, written whole or not at all, checked when read."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import platformdirs
import xxhash

from pytest_interp.errors import CacheError, InterpError
from pytest_interp.memory import parse_bytes
from pytest_interp.store.codec import CannotBeKept, decode, encode

VARIABLE = "PYTEST_INTERP_RESULTS"
"""The environment variable that names another folder."""
LIMIT_VARIABLE = "PYTEST_INTERP_RESULTS_LIMIT"
"""The environment variable that says how much it may take."""
LIMIT = 1 << 30
"""Bytes that the store may take where nobody says so; what was not used for longest goes first."""
_SUFFIX, _BEGUN = ".result", ".new-"


def store_folder() -> Path:
    """The folder of the store: ``$PYTEST_INTERP_RESULTS``, else in the user's cache folder.

    Raises:
        CacheError: it begins with a ``~`` for which there is no home folder.
    """
    given = os.environ.get(VARIABLE)
    try:
        return Path(given or platformdirs.user_cache_path("pytest-interp") / "results").expanduser()
    except RuntimeError as error:
        raise CacheError(
            f"no home folder for {given} ({error}): set {VARIABLE} to a folder that can be written"
        ) from error


def size_limit() -> int:
    """The bytes that the store may take: ``$PYTEST_INTERP_RESULTS_LIMIT``, else :data:`LIMIT`.

    All projects share the store: no ini file of one can bound it.

    Raises:
        CacheError: it is no amount, as 500MB is one.
    """
    given = os.environ.get(LIMIT_VARIABLE, "")
    try:
        return parse_bytes(given) if given else LIMIT
    except InterpError as error:
        raise CacheError(f"{LIMIT_VARIABLE}: {error}") from error


@dataclass(frozen=True)
class Store:
    """Results by key, in a folder that several processes may share."""

    folder: Path
    limit: int = LIMIT
    reads: bool = True
    """Whether it answers; one that is to be made anew is written alone."""

    @classmethod
    def here(cls, reads: bool = True) -> Self:
        """The store of this user. Errors as for :func:`store_folder` and :func:`size_limit`."""
        return cls(store_folder(), size_limit(), reads)

    def read(self, key: str, default: Any = None) -> Any:
        """The result that was kept under this key. A damaged entry is dropped."""
        if not self.reads:
            return default
        file = self._file(key)
        if not file.is_file():  # a pipe would be waited for
            return default
        try:
            text = file.read_bytes()
        except OSError:
            return default
        try:
            digest, _, body = text.partition(b"\n")
            if digest.decode() != _digest(key, body):
                raise ValueError("it was cut off or changed, or is the entry of another key")
            found = decode(json.loads(body))
        except Exception:  # whatever is wrong with it, it is made again
            with suppress(OSError):
                file.unlink()
            return default
        with suppress(OSError):
            os.utime(file)  # it was used
        return found

    def write(self, key: str, result: Any) -> bool:
        """Keep a result; False where it has no exact form, or where nothing can be written."""
        try:
            body = json.dumps(encode(result), separators=(",", ":")).encode()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._put(self._file(key), _digest(key, body).encode() + b"\n" + body)
        except (CannotBeKept, OSError):
            return False
        self.trim()
        return True

    def has_any(self, beginning: str) -> bool:
        """Whether there is a result to be read whose key begins so."""
        found = self.folder.glob(f"{beginning}-*{_SUFFIX}")
        return self.reads and next(found, None) is not None

    def drop(self, key: str) -> None:
        """Forget the result of this key, where there is one and it can be deleted."""
        with suppress(OSError):
            self._file(key).unlink()

    def trim(self) -> None:
        """Drop what was not used for longest, until the rest is within the limit.

        What a process that was killed had begun to write goes after an hour.
        """
        for begun in self.folder.glob(f"{_BEGUN}*"):
            with suppress(OSError):
                if begun.stat().st_mtime < time.time() - 3600:
                    begun.unlink()
        by_age = sorted(self.entries(), key=lambda entry: entry[1].st_mtime_ns)
        total = sum(stat.st_size for _, stat in by_age)
        for file, stat in by_age:
            if total <= self.limit:
                return
            with suppress(OSError):
                file.unlink()
            total -= stat.st_size

    def clear(self) -> int:
        """Drop all entries; how many went."""
        found = self.entries()
        for file, _ in found:
            with suppress(OSError):
                file.unlink()
        return len(found) - len(self.entries())

    def entries(self) -> list[tuple[Path, os.stat_result]]:
        """The files of all entries."""
        found = []
        for file in self.folder.glob(f"*{_SUFFIX}"):
            with suppress(OSError):  # another process has just dropped it
                found.append((file, file.stat()))
        return found

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _put(self, file: Path, content: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=_BEGUN, delete=False) as new:
            try:
                new.write(content)
                new.flush()
                os.fsync(new.fileno())
                new.close()
                os.replace(new.name, file)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise


def _digest(key: str, body: bytes) -> str:
    """Of the content under its key: a file that was copied or renamed is no entry."""
    return xxhash.xxh3_128_hexdigest(key.encode() + b"\0" + body)
