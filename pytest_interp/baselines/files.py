"""Files that are read and written whole: a kill, a full disk or a power cut leaves no half."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_interp.errors import BaselineError

_TEMPORARY: Final = re.compile(r"\.(interp-)?[0-9a-f]{32}\.tmp")
"""Names of temporary files, those of earlier versions included."""


def read(path: Path) -> bytes:
    """The content of a file; a file that cannot be read raises BaselineError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BaselineError(f"cannot read {path} ({error})") from error


def read_if_there(path: Path) -> bytes | None:
    """The content of a file, None where nothing has its name; else errors as for :func:`read`."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BaselineError(
            f"cannot read {path} ({error.strerror}): it has to be a file that may be read, below "
            "folders. Mend its place, or set another with interp_baseline_dir in the ini file"
        ) from error


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_together(files: Mapping[Path, bytes], setting: str = "interp_baseline_dir") -> None:
    """Write whole files in this order. No reader sees half of one.

    All are first written under temporary names and forced to the disk, so that a disk that is full
    or a file that may not be replaced leaves everything as it was. Then they get their names, one
    by one: between two of these steps a kill leaves some new files beside some old ones.

    A link stays a link, and the file that it leads to is written. Permissions stay as they are.
    ``setting`` is the option of the ini file that names their folder.

    Raises:
        BaselineError: a file cannot be written, or is read-only.
    """
    fresh: dict[Path, Path] = {}
    path, left = Path(), "What was there is unchanged"
    try:
        for path, data in files.items():
            target = path.resolve() if path.is_symlink() else path
            _make_folder(target.parent)
            # not by tempfile: only their owner may read its files, and a baseline is shared
            fresh[target] = target.with_name(f".interp-{uuid.uuid4().hex}.tmp")
            with fresh[target].open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            _keep_permissions(target, fresh[target])
        for target, temporary in fresh.items():
            path = target
            os.replace(temporary, target)
            left = "Other files of this entry are written already"
            _sync(target.parent)
    except OSError as error:
        raise BaselineError(
            f"cannot write {path} ({error}). {left}. Make the place "
            f"writable, or set another with {setting} in the ini file"
        ) from error
    finally:
        for temporary in fresh.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Delete temporary files of writers that were killed. Only for who alone writes there."""
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if _TEMPORARY.fullmatch(file.name):
                file.unlink(missing_ok=True)


def _keep_permissions(old: Path, new: Path) -> None:
    """Give the new file those of the old one, which must be writable and a file.

    A rename asks the folder alone: without this a file that somebody protected would be replaced.
    """
    with contextlib.suppress(FileNotFoundError):
        mode = old.stat().st_mode
        if not stat.S_ISREG(mode):
            raise OSError("it is not a file")
        # the mode as well: root may write whatever it says
        if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(old, os.W_OK):
            raise PermissionError("the file is read-only")
        shutil.copymode(old, new)


def _make_folder(folder: Path) -> None:
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync(made.parent)


def _sync(folder: Path) -> None:
    """Force the names in a folder to the disk, where the platform can."""
    with contextlib.suppress(OSError):  # Windows opens no folder, some file systems sync none
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
