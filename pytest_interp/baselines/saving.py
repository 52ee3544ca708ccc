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
from pytest_interp.baselines.wording import describe, indented
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError


@dataclass(frozen=True)
class Pending:
    """An entry that waits for the end of its test."""

    compared: Comparison
    entry: Entry
    images: dict[Path, bytes]
    """The files of the figure."""
    note: str
    """What the end of the run says of it."""

    @classmethod
    def of(cls, compared: Comparison, entry: Entry, drawing: Drawing | None, note: str) -> Self:
        """Draw the figure, and note in the entry which files belong to it."""
        if drawing is None:
            return cls(compared, replace(entry, figure=None), {}, note)
        picture, raster = drawing.picture, drawing.raster
        record = FigureRecord(digest(picture), digest(raster), drawing.drawn_with)
        images = {compared.slot.picture: picture, compared.slot.raster: raster}
        return cls(compared, replace(entry, figure=record), images, note)

    def write(self) -> str:
        """Write the entry, and return what the run should say of it.

        The numbers get their name last: until then the old ones stand there, which say what their
        figure is. Those of an earlier version say nothing of it, so they are replaced first. In
        both orders a reader can tell an entry that was half written.

        Raises:
            BaselineError: a file cannot be written, or another run wrote other numbers meanwhile.
        """
        slot, old = self.compared.slot, self.compared.old
        where = shown(slot.numbers)
        with one_writer(slot.folder):
            sweep(slot.folder)
            found = read_if_there(slot.numbers)
            if found is not None and found != self.compared.seen:
                self._refuse_others(Entry.loads(found, where), where)
                return f"{where} was written by another run meanwhile, and this result agrees"
            numbers = {slot.numbers: self.entry.dumps().encode()}
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
