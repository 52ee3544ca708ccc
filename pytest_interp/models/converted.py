"""The user's cache of converted models: written whole or not at all, checked at every use.

An entry is a folder with the files of a checkpoint and a manifest of their sizes and checksums.
What does not match its manifest (cut off, flipped bits, another model, files added) is built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import xxhash
from filelock import FileLock

from pytest_interp.errors import CacheError

FORMAT = 3  # raise it when the conversion or the checksum changes: older entries are then not used
MANIFEST = "manifest.json"
VARIABLE = "PYTEST_INTERP_CACHE"


def cache_root() -> Path:
    """The cache folder: ``$PYTEST_INTERP_CACHE``, else the platform's place for caches.

    Raises:
        CacheError: the variable begins with a ``~`` for which there is no home folder.
    """
    override = os.environ.get(VARIABLE)
    try:
        return Path(override or platformdirs.user_cache_path("pytest-interp")).expanduser()
    except RuntimeError as error:  # no home folder
        raise _unusable(Path(override or "~"), error) from error


def entry_folder(sha256: str) -> Path:
    """Where the converted form of the file with this hash is, or will be."""
    return cache_root() / "models" / f"{sha256[:32]}-v{FORMAT}"


def entry(sha256: str, build: Callable[[Path], None]) -> Path:
    """The checked entry of this hash; ``build(empty_folder)`` makes it when there is no good one.

    Safe for several processes at once: one builds, the others wait for it.

    Raises:
        CacheError: the cache cannot be written, because it is read-only or full, for instance.
            What ``build`` raises goes through, but for an OSError: it writes into the cache.
    """
    folder = entry_folder(sha256)
    if is_whole(folder, sha256):
        return folder  # the usual case needs no lock, so the cache may be read-only
    try:
        _build_entry(folder, sha256, build)
    except OSError as error:
        raise _unusable(folder.parent, error) from error
    return folder


def _build_entry(folder: Path, sha256: str, build: Callable[[Path], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):
        if is_whole(folder, sha256):  # another process has just made it
            return
        for stale in folder.parent.glob(f"{folder.name}.tmp-*"):  # of a process that was killed
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(
            dir=folder.parent, prefix=f"{folder.name}.tmp-", ignore_cleanup_errors=True
        ) as scratch:
            fresh = Path(scratch) / "fresh"
            fresh.mkdir()
            build(fresh)
            text = json.dumps(_manifest(fresh, sha256), indent=1)
            (fresh / MANIFEST).write_text(text, encoding="utf-8")
            if os.path.lexists(folder):
                folder.rename(Path(scratch) / "flawed")
            fresh.rename(folder)


def is_whole(folder: Path, sha256: str) -> bool:
    """Whether an entry is there and is as it was written, for this hash. Reads every byte."""
    try:
        if not (folder / MANIFEST).is_file():  # a pipe would be waited for
            return False
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest == _manifest(folder, sha256))
    except (OSError, ValueError, RecursionError):
        return False


def _unusable(place: Path, error: Exception) -> CacheError:
    return CacheError(
        f"the folder for converted models, {place}, cannot be used ({error}). Free space there or"
        f" make it writable, or set {VARIABLE} to a folder that can be written and has room for the"
        " model in float32: four bytes for each parameter."
    )


def _manifest(folder: Path, sha256: str) -> dict[str, Any]:
    files = {
        file.relative_to(folder).as_posix(): {
            "size": file.stat().st_size,
            "checksum": _checksum(file),
        }
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }
    return {"format": FORMAT, "sha256": sha256, "files": files}


def _checksum(file: Path) -> str:
    """A digest of every byte in its place, against accidents and not against forgers.

    A cryptographic one of half a gigabyte takes ten times as long, at each load of a model.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, xxhash.xxh3_128).hexdigest()
