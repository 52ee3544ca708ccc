"""Rasters of figures compared through pytest-regressions.

By itself it writes a missing image and passes images of different sizes. So existence, size and
mode are checked first, and its own options are kept from it: it cannot write to the baselines.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final, Protocol

from pytest_interp.baselines.entry import Entry, FigureRecord
from pytest_interp.baselines.files import digest, read, read_if_there
from pytest_interp.baselines.locks import one_writer
from pytest_interp.baselines.policy import Update
from pytest_interp.baselines.store import Slot
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError

THRESHOLD: Final = 0.05
"""Percent of Manhattan distance. The same libraries on another machine stay far below, and a peak
that moves by one layer changes a raster by 0.2 and more."""


class Drawing(Protocol):
    """A figure as two PNG files."""

    @property
    def picture(self) -> bytes:
        """For people."""

    @property
    def raster(self) -> bytes:
        """Without text and marks of findings, for comparison."""

    @property
    def drawn_with(self) -> Mapping[str, str]:
        """Versions of the libraries that decide which pixels are drawn."""


@dataclass(frozen=True)
class FigureProblem:
    """Why a figure is not as it was saved, though the numbers agree."""

    text: str
    needs: Update
    """The least update that draws it anew."""


def threshold_of(atols: Iterable[float]) -> float:
    """The threshold for results whose numbers may themselves move by these tolerances.

    Half precision moves the drawn values visibly: a move by ``atol`` of an axis changes at most
    about that share of the raster. Tolerances of 1 and more belong to ranks, which no axis shows.
    """
    atol = max((a for a in atols if a < 1), default=0.0)
    return max(THRESHOLD, 20.0 * atol if atol > 1e-3 else THRESHOLD)


def inspect_figure(
    drawing: Drawing,
    slot: Slot,
    record: FigureRecord | None,
    scratch: Callable[[], Path],
    threshold: float = THRESHOLD,
) -> FigureProblem | None:
    """What is wrong with the saved figure, or None. The saved files are only read.

    Other libraries draw other pixels, so rasters are compared only where the same ones drew both.

    Args:
        drawing: the new figure.
        slot: where the old one is saved.
        record: what the saved numbers say of their figure.
        scratch: makes a folder for files of the comparison.
        threshold: percent of Manhattan distance.

    Raises:
        BaselineError: a file cannot be read, or the saved raster is no image.
    """
    if (problem := _not_whole(slot, record)) is not None:
        return problem
    if record is None or record.drawn_with != drawing.drawn_with:
        return None
    told = compare_rasters(drawing.raster, slot.raster, scratch(), threshold)
    return FigureProblem(told, Update.CHANGED) if told is not None else None


def _not_whole(slot: Slot, record: FigureRecord | None) -> FigureProblem | None:
    """The files that are missing, or are not those that the numbers were saved with."""
    wrong = _wrong_files(slot, record)
    if record is None or not wrong:
        text = f"of its figure {' and '.join(wrong)}"
    else:
        # another run may be writing it just now
        with one_writer(slot.folder):
            current = Entry.loads(read(slot.numbers), shown(slot.numbers))
            wrong = _wrong_files(slot, current.figure)
        text = (
            f"this entry was half written: of its figure {' and '.join(wrong)}. An update was "
            "interrupted, or a file was changed alone"
        )
    return FigureProblem(text, Update.MISSING) if wrong else None


def _wrong_files(slot: Slot, record: FigureRecord | None) -> list[str]:
    """The files that are missing, and those that have another content than the record says."""
    wrong = []
    for part in ("raster", "picture"):
        file: Path = getattr(slot, part)
        content = read_if_there(file)
        if content is None:
            wrong.append(f"{file.name} is missing")
        elif record is not None and digest(content) != getattr(record, part):
            wrong.append(f"{file.name} is another one")
    return wrong


def compare_rasters(
    new: bytes, saved: Path, scratch: Path, threshold: float = THRESHOLD
) -> str | None:
    """How a PNG differs from the saved one, or None. Errors as for :func:`inspect_figure`."""
    content = read(saved)
    if content == new:
        return None
    from PIL import Image
    from pytest_regressions.image_regression import ImageRegressionFixture

    try:
        expected = Image.open(io.BytesIO(content))
        expected.load()  # open reads the header alone
    except Exception as error:  # each decoder has errors of its own
        raise BaselineError(
            f"{saved} is no image ({error}): restore it from version control, or write it again "
            "with --interp-update=all"
        ) from error
    image = Image.open(io.BytesIO(new))
    for what in ("size", "mode"):
        before, after = getattr(expected, what), getattr(image, what)
        if before != after:
            return f"the {what} of the figure's raster changed: {before} -> {after}"
    copy = scratch / "saved.png"  # the fixture writes under names that it makes from this one
    copy.write_bytes(content)
    fixture = ImageRegressionFixture(scratch, scratch, _WITHOUT_OPTIONS)
    try:
        fixture.check(new, diff_threshold=threshold, fullpath=copy)
    except AssertionError as error:
        reason = str(error).splitlines()[0]
        return f"the figure looks different. {reason} (allowed {threshold:.2g} %)"
    return None


# --force-regen and --regen-all follow our own rules: here they would hide a difference
_WITHOUT_OPTIONS = SimpleNamespace(
    config=SimpleNamespace(getoption=lambda *_: False),
    node=SimpleNamespace(cls=None, name="figure"),
)
