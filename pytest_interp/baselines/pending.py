"""What failing comparisons saw, until somebody accepts or refuses it.

A pending entry lies below a folder of its own, at the path that its baseline has below theirs. Its
files are those that an update would write, and one that says where they are from. That one is
written last and holds the digests of the others, so a reader can tell an entry that is not whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from pytest_interp.baselines import store
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import digest, read_if_there, sweep, write_together
from pytest_interp.baselines.locks import one_writer
from pytest_interp.baselines.names import NUMBERS, PICTURE, RASTER, SUFFIXES
from pytest_interp.baselines.saving import Save
from pytest_interp.baselines.snapshot import Comparison
from pytest_interp.baselines.store import Slot
from pytest_interp.errors import BaselineError

ABOUT: Final = ".pending"
"""Suffix of the file that says where a pending entry is from; no name of a baseline ends in it."""
_ID: Final = 10
_IGNORE: Final = b"# what waits for a review on this machine: pytest-interp review\n*\n"


@dataclass(frozen=True)
class Origin:
    """The test that saw an entry."""

    test: str
    """Its node id."""
    spec: str
    """Its file, below rootdir."""
    spec_digest: str
    """SHA-256 of that file when the run began."""
    command: str
    """What runs the test alone again."""


@dataclass(frozen=True)
class Judged:
    """A claim of the test that was decided before its comparison failed."""

    status: str
    claim: str
    sentence: str
    """The outcome in plain words."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What a review has to know of a pending entry beside its files."""

    origin: Origin
    backend: str | None
    shared: bool
    """Whether a plain update writes it; otherwise only one of entries for one backend alone."""
    base: str
    """The entry that it was compared with: its stem, below the folder of baselines."""
    base_digest: str | None
    """SHA-256 of that entry's numbers; None where nothing was saved."""
    into_digest: str | None
    """The same of the entry that an update would write."""
    figure_problem: str
    """What is wrong with the saved figure, where the numbers agree."""
    claims: tuple[Judged, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file, by its suffix."""
    layout: Literal[1] = 1


_ABOUT = TypeAdapter(About)


@dataclass(frozen=True)
class PendingEntry:
    """An entry that waits for a review."""

    id: str
    slot: Slot
    """Its files."""
    into: Slot
    """The baseline that accepting it writes."""
    seen: bytes
    """The file that says where it is from: another one is of another run."""
    about: About | None
    entry: Entry | None
    """None where its files are not whole; ``problem`` says why."""
    problem: str = ""


@dataclass(frozen=True)
class PendingFolder:
    """The folder of everything that is pending in a project."""

    root: Path
    baselines: Path
    """The folder of all baselines."""
    command: str = "pytest-interp review"
    """What shows it."""

    def id_of(self, into: Slot) -> str:
        """The id of what waits to be written to a baseline: the same in every run."""
        return hashlib.sha256(self._path_of(into).encode()).hexdigest()[:_ID]

    def about(
        self,
        found: Comparison,
        save: Save,
        origin: Origin,
        backend: str | None,
        shared: bool,
        figure_problem: str,
    ) -> About:
        """What a failed comparison says of the entry that an update would write."""
        seen = None if found.seen is None else digest(found.seen)
        return About(
            origin=origin,
            backend=backend,
            base=self._path_of(found.slot),
            base_digest=seen,
            into_digest=seen if found.slot == save.slot else None,
            shared=shared,
            figure_problem=figure_problem,
        )

    def keep(self, save: Save, about: About) -> None:
        """Let what an update would write wait for a review, in place of what waited there.

        Raises:
            BaselineError: it cannot be written.
        """
        here = self._slot_of(save.slot)
        of_figure = zip((here.picture, here.raster), save.images.values(), strict=False)
        files = {**dict(of_figure), here.numbers: save.entry.dumps().encode()}
        digests = {path.name.removeprefix(here.stem): digest(data) for path, data in files.items()}
        text = json.dumps(asdict(replace(about, files=digests)), indent=2) + "\n"
        with one_writer(self.root):
            if not self.root.exists():
                write_together({self.root / ".gitignore": _IGNORE}, "interp_pending_dir")
            sweep(here.folder)
            files[here.file(ABOUT)] = text.encode()
            write_together(files, "interp_pending_dir")
            store.remove([path for path in here.files if path not in files], self.root)

    def drop(self, into: Slot) -> None:
        """Forget what waits to be written to a baseline, if anything does. Errors as for keep."""
        if self._slot_of(into).file(ABOUT).exists():
            with one_writer(self.root):
                self.remove(self._slot_of(into))

    def remove(self, here: Slot) -> None:
        """Delete the files of a pending entry. Only for who holds the lock of this folder."""
        store.remove([here.file(ABOUT), *map(here.file, SUFFIXES)], self.root)

    def entries(self) -> list[PendingEntry]:
        """All that waits, by path; the shared entry before those for one backend alone."""
        if not self.root.is_dir():
            return []
        with one_writer(self.root):
            found = [path for path in self.root.rglob(f"*{ABOUT}") if path.is_file()]
            slots = [Slot(path.parent, path.name.removesuffix(ABOUT)) for path in found]
            slots.sort(key=lambda slot: (slot.folder, slot.shared.stem, slot.stem))
            return [self._read(slot) for slot in slots]

    def _read(self, here: Slot) -> PendingEntry:
        into = Slot(self.baselines / here.folder.relative_to(self.root), here.stem)
        seen = read_if_there(here.file(ABOUT)) or b""
        about = None
        try:
            about = _ABOUT.validate_json(seen)
            for suffix, expected in about.files.items():
                content = read_if_there(here.file(suffix)) if suffix in SUFFIXES else None
                if content is None or digest(content) != expected:
                    raise BaselineError(f"its file {here.stem}{suffix} is missing or another one")
            entry = Entry.loads(read_if_there(here.numbers) or b"", here.numbers.name)
            of_figure = about.files.get(PICTURE), about.files.get(RASTER)
            if entry.figure and of_figure != (entry.figure.picture, entry.figure.raster):
                raise BaselineError("its figure is not that of its numbers")
        except ValidationError:
            problem = "the file that says where it is from cannot be read by this version"
            return PendingEntry(self.id_of(into), here, into, seen, None, None, problem)
        except BaselineError as error:
            return PendingEntry(self.id_of(into), here, into, seen, about, None, str(error))
        return PendingEntry(self.id_of(into), here, into, seen, about, entry)

    def _path_of(self, slot: Slot) -> str:
        """The stem of a baseline, below the folder of all."""
        return (slot.folder.relative_to(self.baselines) / slot.stem).as_posix()

    def _slot_of(self, into: Slot) -> Slot:
        return Slot(self.root / into.folder.relative_to(self.baselines), into.stem)

    def base_of(self, about: About) -> Slot:
        """The baseline that a pending entry was compared with."""
        path = self.baselines / about.base
        return Slot(path.parent, path.name)


def changed_meanwhile(waiting: PendingEntry) -> bool:
    """Whether another run, or another review, has replaced or removed what was shown."""
    return read_if_there(waiting.slot.file(ABOUT)) != waiting.seen


def numbers_digest(slot: Slot) -> str | None:
    """SHA-256 of the numbers of a baseline; None where there are none."""
    content = read_if_there(slot.file(NUMBERS))
    return None if content is None else digest(content)
