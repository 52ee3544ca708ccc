"""Rasters of figures compared through pytest-regressions, behind guards of our own.

pytest-regressions writes a missing image and passes images of different sizes; here existence,
size and mode are checked first, and it only ever sees a copy, so that none of its options can
write to the baselines.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any, Final

from PIL import Image

from pytest_interp.errors import BaselineError

THRESHOLD: Final = 0.05
"""Percent of Manhattan distance: a text-free raster drifts by 0.02 between versions of matplotlib,
and a peak that moves by one layer changes it by 0.2 and more."""


def threshold_of(atol: float) -> float:
    """The threshold for results whose numbers may themselves move by ``atol``.

    Half precision moves the drawn values visibly: an axis moved by ``atol`` of its height changes
    at most about that share of the raster, of which lines and cells cover a part.
    """
    return max(THRESHOLD, 20.0 * atol if atol > 1e-3 else THRESHOLD)


def compare_rasters(
    new: bytes, saved: Path, request: Any, scratch: Path, threshold: float = THRESHOLD
) -> str | None:
    """What is wrong with a raster against the saved one, or None.

    Args:
        new: PNG bytes.
        saved: the baseline's raster; it is only read.
        request: the pytest request, for pytest-regressions.
        scratch: an existing folder for copies and what was obtained.
        threshold: percent of Manhattan distance.

    Raises:
        BaselineError: the saved file is no image.
    """
    from pytest_regressions.image_regression import ImageRegressionFixture

    if not saved.is_file():
        return f"its raster {saved.name} is missing"
    image, expected = Image.open(io.BytesIO(new)), _opened(saved)
    for what in ("size", "mode"):
        before, after = getattr(expected, what), getattr(image, what)
        if before != after:
            return f"the {what} of the figure's raster changed: {before} -> {after}"
    copy = scratch / f"expected-{saved.name}"
    shutil.copyfile(saved, copy)
    fixture = ImageRegressionFixture(scratch, scratch, request)
    try:
        fixture.check(new, diff_threshold=threshold, fullpath=copy)
    except AssertionError as error:
        reason = str(error).splitlines()[0]
        return f"the figure looks different. {reason} (allowed {threshold:.2g} %)"
    return None


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(io.BytesIO(path.read_bytes()))
    except OSError as error:
        raise BaselineError(
            f"{path} is no image ({error}): restore it from version control, or write it anew "
            "with --interp-update=all"
        ) from error
