"""Where baselines lie, and how their files are read, written and removed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_interp.errors import BaselineError

NUMBERS: Final = ".json"
PICTURE: Final = ".png"
RASTER: Final = ".raster.png"
SUFFIXES: Final = (NUMBERS, RASTER, PICTURE)
"""Of the files of one entry; the longer of two that end alike comes first."""

_LONGEST: Final = 120
_SEPARATOR: Final = "--"


@dataclass(frozen=True)
class Slot:
    """The place of one result: a folder and the stem that its files share."""

    folder: Path
    stem: str

    def file(self, suffix: str) -> Path:
        """One of the entry's files."""
        return self.folder / f"{self.stem}{suffix}"

    @property
    def numbers(self) -> Path:
        return self.file(NUMBERS)

    @property
    def picture(self) -> Path:
        return self.file(PICTURE)

    @property
    def raster(self) -> Path:
        return self.file(RASTER)

    def override(self, backend: str) -> Slot:
        """The entry that holds for one backend alone."""
        return Slot(self.folder, f"{self.stem}@{backend}")

    def exists(self) -> bool:
        """Whether there are numbers."""
        return self.numbers.is_file()


def spec_folder(root: Path, spec: Path, rootdir: Path) -> Path:
    """The folder of one spec's baselines: the spec's path below rootdir, without its suffix.

    Raises:
        BaselineError: the spec lies outside of rootdir.
    """
    try:
        inside = spec.resolve().relative_to(rootdir.resolve())
    except ValueError:
        raise BaselineError(
            f"{spec} lies outside of pytest's rootdir {rootdir}, so its baselines have no place: "
            "move it there, or set the root with --rootdir"
        ) from None
    return root / inside.with_suffix("")


def stem_of(test: str, model: str | None, name: str | None = None) -> str:
    """The file stem of a result: ``<test>--<model>`` or ``<test>--<model>--<name>``."""
    parts = [_test_slug(test), *(slug(part) for part in (model, name) if part is not None)]
    return _SEPARATOR.join(parts)


def _test_slug(test: str) -> str:
    """``test_x[denoise]`` as ``test_x-denoise``: a function's name has no hyphen of its own."""
    plain = re.fullmatch(r"([^\W\d][\w.]*)\[(\w[\w.]*(?:-[\w.]+)*)\]", test, re.ASCII)
    return slug("-".join(plain.groups()) if plain else test)


def slug(text: str) -> str:
    """A part of a file name. What had to be changed gets a hash, so that no two texts collide."""
    clean = re.sub(r"[^\w.]+", "-", text, flags=re.ASCII) if not _is_safe(text) else text
    if clean == text and len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{clean[:_LONGEST].strip('-.')}-{digest}"


def _is_safe(text: str) -> bool:
    return bool(re.fullmatch(r"\w[\w.-]*", text, re.ASCII)) and _SEPARATOR not in text


def write(path: Path, data: bytes) -> None:
    """Write a file at once or not at all: readers and other workers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files that only their owner reads; a baseline is shared
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def files_below(folder: Path) -> list[Path]:
    """All files of baselines below a folder, sorted."""
    if not folder.is_dir():
        return []
    found = (p for p in folder.rglob("*") if p.name.endswith(SUFFIXES) and not p.is_symlink())
    return sorted(p for p in found if p.is_file() and _SEPARATOR in p.name)


def slot_of(file: Path) -> Slot:
    """The entry that a file belongs to."""
    suffix = next(s for s in SUFFIXES if file.name.endswith(s))
    return Slot(file.parent, file.name.removesuffix(suffix))


def remove(files: list[Path], root: Path) -> None:
    """Delete files of baselines below ``root``, and the folders that this leaves empty."""
    for file in files:
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == root or root not in folder.parents:
                break
            try:
                folder.rmdir()
            except OSError:
                break
