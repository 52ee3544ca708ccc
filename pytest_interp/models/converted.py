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

FORMAT = 2  # raise it when the conversion or the checksum changes: older entries are then not used
MANIFEST = "manifest.json"


def cache_root() -> Path:
    """The cache folder: ``$PYTEST_INTERP_CACHE``, else the platform's place for caches."""
    override = os.environ.get("PYTEST_INTERP_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("pytest-interp")


def entry_folder(sha256: str) -> Path:
    """Where the converted form of the file with this hash is, or will be."""
    return cache_root() / "models" / f"{sha256[:32]}-v{FORMAT}"


def entry(sha256: str, build: Callable[[Path], None]) -> Path:
    """The checked entry of this hash; ``build(empty_folder)`` makes it when there is no good one.

    Safe for several processes at once: one builds, the others wait for it.
    """
    folder = entry_folder(sha256)
    if is_whole(folder, sha256):
        return folder  # the usual case needs no lock, so the cache may be read-only
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):
        if is_whole(folder, sha256):  # another process has just made it
            return folder
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
            if folder.exists():
                folder.rename(Path(scratch) / "flawed")
            fresh.rename(folder)
    return folder


def is_whole(folder: Path, sha256: str) -> bool:
    """Whether an entry is there and is as it was written, for this hash. Reads every byte."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest == _manifest(folder, sha256))
    except (OSError, ValueError):
        return False


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
