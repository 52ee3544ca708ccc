"""Where baselines are kept, how they are found, and how they are removed."""

from __future__ import annotations

import contextlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_interp.baselines.files import read, read_if_there
from pytest_interp.baselines.names import (
    BACKEND,
    NUMBERS,
    PICTURE,
    RASTER,
    SEPARATOR,
    SUFFIXES,
    marked,
    stem_of,
)
from pytest_interp.errors import BaselineError

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
        return Slot(self.folder, marked(self.stem, backend))

    @property
    def shared(self) -> Slot:
        """The entry that this one overrides; itself where it is shared by all backends."""
        return Slot(self.folder, self.stem.partition(BACKEND)[0])

    def exists(self) -> bool:
        """Whether there are numbers. Errors as for :func:`~.files.read_if_there`."""
        return read_if_there(self.numbers) is not None


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


def slots_below(folder: Path) -> list[Slot]:
    """All entries below a folder, sorted, by the content of the files and not by name alone."""
    found = folder.rglob(f"*{SEPARATOR}*{NUMBERS}") if folder.is_dir() else ()
    entries = (p for p in found if p.is_file() and not p.is_symlink() and _is_entry(p))
    return [Slot(p.parent, p.name.removesuffix(NUMBERS)) for p in sorted(entries)]


def _is_entry(file: Path) -> bool:
    try:
        return (_keys(read(file)) or set()) >= _KEYS
    except BaselineError:
        return False


def may_be_entry(name: str, data: bytes) -> bool:
    """Whether a file is meant as an entry, or as a run's output. It may be damaged."""
    if SEPARATOR not in name and name != "result.json":
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
