"""Where baselines are kept, and how their files are read, written and removed."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_interp.errors import BaselineError

NUMBERS: Final = ".json"
PICTURE: Final = ".png"
RASTER: Final = ".raster.png"
SUFFIXES: Final = (NUMBERS, PICTURE, RASTER)
"""Suffixes of the files of one entry."""

_LONGEST: Final = 120
_SEPARATOR: Final = "--"
_BACKEND: Final = "@"
_KEYS: Final = frozenset({"schema", "result", "tolerances", "provenance"})
"""Keys of the JSON object in an entry's file."""


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

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that exist."""
        return tuple(path for path in map(self.file, SUFFIXES) if path.is_file())

    def override(self, backend: str) -> Slot:
        """The entry that holds for one backend alone."""
        return Slot(self.folder, f"{self.stem}{_BACKEND}{backend}")

    @property
    def shared(self) -> Slot:
        """The entry that this one overrides; itself where it is shared by all backends."""
        return Slot(self.folder, self.stem.partition(_BACKEND)[0])

    def exists(self) -> bool:
        """Whether there are numbers."""
        return self.numbers.is_file()


def spec_folder(root: Path, spec: Path, rootdir: Path) -> Path:
    """The folder of a spec's baselines: its path below rootdir, without the suffix.

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


@dataclass(frozen=True)
class Owner:
    """The test that entries belong to."""

    folder: Path
    test: str
    """Its name with classes and parameters, but without model and backend."""
    model: str | None
    backend: str | None

    def slot(self, model: str | None, name: str | None) -> Slot:
        """The shared entry of one of its results; ``model`` counts where the test has none."""
        return Slot(self.folder, stem_of(self.test, self.model or model or "any-model", name))


def stem_of(test: str, model: str | None, name: str | None = None) -> str:
    """The file stem of a result: ``<test>--<model>`` or ``<test>--<model>--<name>``.

    ``test_x[denoise]`` becomes ``test_x-denoise``: a function's name has no hyphen of its own.
    """
    plain = re.fullmatch(r"([^\W\d][\w.]*)\[(\w[\w.]*(?:-[\w.]+)*)\]", test, re.ASCII)
    first = "-".join(plain.groups()) if plain else test
    return _SEPARATOR.join(slug(part) for part in (first, model, name) if part is not None)


def slug(text: str) -> str:
    """A part of a file name. A text that had to be changed gets a hash: no two texts collide."""
    means_more = _SEPARATOR in text or text.endswith(RASTER.removesuffix(PICTURE))
    if len(text) <= _LONGEST and not means_more and re.fullmatch(r"\w[\w.-]*", text, re.ASCII):
        return text
    clean = re.sub(r"[^\w.]+", "-", text, flags=re.ASCII)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{clean[:_LONGEST].strip('-.')}-{digest}"


def read(path: Path) -> bytes:
    """The content of a file; a file that cannot be read raises BaselineError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BaselineError(f"cannot read {path} ({error})") from error


def write(path: Path, data: bytes) -> None:
    """Write a whole file, or raise BaselineError: no reader or other worker sees half of it."""
    # not by tempfile: only their owner may read its files, and a baseline is shared
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        raise BaselineError(
            f"cannot write {path} ({error}). What was there is unchanged. Make the place "
            "writable, or set another with interp_baseline_dir in the ini file"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def slots_below(folder: Path) -> list[Slot]:
    """All entries below a folder, sorted, by the content of the files and not by name alone."""
    found = folder.rglob(f"*{_SEPARATOR}*{NUMBERS}") if folder.is_dir() else ()
    entries = (p for p in found if p.is_file() and not p.is_symlink() and _is_entry(p))
    return [Slot(p.parent, p.name.removesuffix(NUMBERS)) for p in sorted(entries)]


def _is_entry(file: Path) -> bool:
    try:
        return (_keys(read(file)) or set()) >= _KEYS
    except BaselineError:
        return False


def may_be_entry(name: str, data: bytes) -> bool:
    """Whether a file is meant as an entry, or as a run's output. It may be damaged."""
    if _SEPARATOR not in name and name != "result.json":
        return False
    keys = _keys(data)
    return keys is None or bool(keys & _KEYS)


def _keys(data: bytes) -> set[str] | None:
    """Top-level keys of JSON; None where it cannot be read."""
    try:
        loaded = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return set(loaded) if isinstance(loaded, dict) else set()


def remove(files: list[Path], root: Path) -> None:
    """Delete files of baselines below ``root``, and the folders that this leaves empty.

    Raises:
        BaselineError: a file cannot be deleted; the files before it are deleted.
    """
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise BaselineError(f"cannot delete {file} ({error})") from error
        with contextlib.suppress(OSError):  # a folder is not empty
            for folder in itertools.takewhile(lambda f: root in f.parents, file.parents):
                folder.rmdir()
