"""What an update is to write of one entry: all of its files, and nothing that another run wrote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pytest_interp.baselines.compare import changed, compare
from pytest_interp.baselines.entry import Entry, FigureRecord
from pytest_interp.baselines.files import digest, read_if_there, sweep, write_together
from pytest_interp.baselines.images import Drawing
from pytest_interp.baselines.locks import one_writer
from pytest_interp.baselines.snapshot import Comparison
from pytest_interp.baselines.store import Slot
from pytest_interp.baselines.wording import describe, indented
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError


@dataclass(frozen=True)
class Save:
    """An entry that is to be written."""

    slot: Slot
    entry: Entry
    images: dict[Path, bytes]
    """The files of the figure."""
    replaces: Comparison | None
    """What was read in its place; None where nothing stood there."""
    note: str = ""
    """What is said of it when it is written."""

    @classmethod
    def of(
        cls, compared: Comparison, slot: Slot, entry: Entry, drawing: Drawing | None, note: str = ""
    ) -> Self:
        """Draw the figure, and note in the entry which files belong to it.

        The slot may be another one than the result was compared with: then it was empty. The
        history of what is replaced stays.
        """
        replaces = compared if compared.slot == slot else None
        if replaces is not None and replaces.old is not None:
            entry = replace(entry, history=replaces.old.history)
        if drawing is None:
            return cls(slot, replace(entry, figure=None), {}, replaces, note)
        picture, raster = drawing.picture, drawing.raster
        record = FigureRecord(digest(picture), digest(raster), drawing.drawn_with)
        images = {slot.picture: picture, slot.raster: raster}
        return cls(slot, replace(entry, figure=record), images, replaces, note)

    def write(self) -> str:
        """Write the entry, and return what the run should say of it.

        The numbers get their name last: until then the old ones stand there, which say what their
        figure is. Those of an earlier version say nothing of it, so they are replaced first. In
        both orders a reader can tell an entry that was half written.

        Raises:
            BaselineError: a file cannot be written, or another run wrote other numbers meanwhile.
        """
        where = shown(self.slot.numbers)
        with one_writer(self.slot.folder):
            sweep(self.slot.folder)
            found = read_if_there(self.slot.numbers)
            if found is not None and found != (self.replaces and self.replaces.seen):
                self._refuse_others(Entry.loads(found, where), where)
                return f"{where} was written by another run meanwhile, and this result agrees"
            numbers = {self.slot.numbers: self.entry.dumps().encode()}
            old = self.replaces.old if self.replaces else None
            first = old is not None and old.figure is None
            write_together(numbers | self.images if first else self.images | numbers)
        return self.note

    def _refuse_others(self, others: Entry, where: str) -> None:
        changes = compare(others, self.entry)
        if changed(changes):
            lines = [
                f"another run wrote {where} after this one had read it, and they disagree:",
                *indented(describe(changes, others, self.entry)),
                "What it wrote is kept. Run the update again when the other run has ended",
            ]
            raise BaselineError("\n".join(lines))
