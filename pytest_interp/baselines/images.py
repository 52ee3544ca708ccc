"""Rasters of figures compared through pytest-regressions.

By itself it writes a missing image and passes images of different sizes. So existence, size and
mode are checked first, and its own options are kept from it: it cannot write to the baselines.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final, Protocol

from PIL import Image

from pytest_interp.baselines import store
from pytest_interp.baselines.store import Slot
from pytest_interp.errors import BaselineError

THRESHOLD: Final = 0.05
"""Percent of Manhattan distance: a text-free raster drifts by 0.02 between versions of matplotlib,
and a peak that moves by one layer changes it by 0.2 and more."""


class Drawing(Protocol):
    """A figure as two PNG files."""

    @property
    def picture(self) -> bytes:
        """For people."""

    @property
    def raster(self) -> bytes:
        """Without text and marks of findings, for comparison."""


@dataclass(frozen=True)
class FigureProblem:
    """Why a figure is not as it was saved."""

    text: str
    is_missing: bool
    """Files are missing, and those that are there are right."""
    files: dict[Path, bytes]
    """What to write where the new figure is right."""


def threshold_of(atols: Iterable[float]) -> float:
    """The threshold for results whose numbers may themselves move by these tolerances.

    Half precision moves the drawn values visibly: a move by ``atol`` of an axis changes at most
    about that share of the raster. Tolerances of 1 and more belong to ranks, which no axis shows.
    """
    atol = max((a for a in atols if a < 1), default=0.0)
    return max(THRESHOLD, 20.0 * atol if atol > 1e-3 else THRESHOLD)


def inspect_figure(
    drawing: Drawing, slot: Slot, scratch: Callable[[], Path], threshold: float = THRESHOLD
) -> FigureProblem | None:
    """What is wrong with the saved figure, or None. The saved files are only read.

    Args:
        drawing: the new figure.
        slot: where the old one is saved.
        scratch: makes a folder for files of the comparison.
        threshold: percent of Manhattan distance.

    Raises:
        BaselineError: the saved raster is no image.
    """
    both = (slot.raster, slot.picture)
    missing = [path for path in both if not path.is_file()]
    differs = None
    if slot.raster not in missing:
        differs = compare_rasters(drawing.raster, slot.raster, scratch(), threshold)
    if differs is None and not missing:
        return None
    # the picture is only drawn where it is wanted
    wanted = missing if differs is None else both
    files = {p: drawing.raster if p == slot.raster else drawing.picture for p in wanted}
    names = " and ".join(path.name for path in missing)
    return FigureProblem(differs or f"of its figure {names} is missing", differs is None, files)


def compare_rasters(
    new: bytes, saved: Path, scratch: Path, threshold: float = THRESHOLD
) -> str | None:
    """How a PNG differs from the saved one, or None. Errors as for :func:`inspect_figure`."""
    from pytest_regressions.image_regression import ImageRegressionFixture

    try:
        expected = Image.open(io.BytesIO(store.read(saved)))
        expected.load()  # open reads the header alone
    except BaselineError:
        raise
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
    fixture = ImageRegressionFixture(scratch, scratch, _WITHOUT_OPTIONS)
    try:
        fixture.check(new, diff_threshold=threshold, fullpath=saved)
    except AssertionError as error:
        reason = str(error).splitlines()[0]
        return f"the figure looks different. {reason} (allowed {threshold:.2g} %)"
    return None


# --force-regen and --regen-all follow our own rules: here they would hide a difference
_WITHOUT_OPTIONS = SimpleNamespace(
    config=SimpleNamespace(getoption=lambda *_: False),
    node=SimpleNamespace(cls=None, name="figure"),
)
