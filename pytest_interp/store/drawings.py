"""Rasters of figures that are kept: a result that was drawn once need not be drawn to be compared.

Only what this package draws of its own results is kept. A raster has no text, so that no font and
no FreeType decides its pixels. Where something in this process has changed how matplotlib draws,
every figure is drawn.
"""

from __future__ import annotations

import base64
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.store.codec import CannotBeKept, encode
from pytest_interp.store.files import Store
from pytest_interp.store.keys import code_version, figures_version, name_of
from pytest_interp.store.patched import COMPUTES, patched

if TYPE_CHECKING:
    from pytest_interp.figures.render import Drawing

_DRAWN_BY = ("matplotlib", "numpy", "pillow")


class KeptDrawing:
    """A figure as it was drawn earlier; the picture for people is drawn when it is asked for."""

    def __init__(self, result: object, raster: bytes, drawn_with: Mapping[str, str]) -> None:
        self._result = result
        self.raster = raster
        """The figure without any text, as PNG."""
        self.drawn_with = drawn_with
        """Versions of the libraries that drew it."""

    @cached_property
    def picture(self) -> bytes:
        """The whole figure as PNG."""
        from pytest_interp.figures import draw

        drawing = draw(self._result)
        assert drawing is not None
        return drawing.picture


@dataclass(frozen=True)
class Drawings:
    """Draws figures, or answers with what was drawn of the very same result."""

    store: Store

    def draw(self, result: object) -> Drawing | KeptDrawing | None:
        """The drawing of a result; None where it has no figure."""
        key = drawing_key(result)
        kept = self.store.read(key) if key is not None else None
        if kept is not None:
            raster, drawn_with = kept
            return KeptDrawing(result, base64.b64decode(raster), drawn_with)
        from pytest_interp.figures import draw

        drawing = draw(result)
        if key is not None and drawing is not None:
            text = base64.b64encode(drawing.raster).decode()
            self.store.write(key, (text, drawing.drawn_with))
        return drawing


def drawing_key(result: object) -> str | None:
    """What the raster of a result depends on, as one key; None where that cannot be told."""
    from pytest_interp.figures.registry import own_function

    function = own_function(result)
    if function is None or _is_set_otherwise() or patched((*COMPUTES, "figures")):
        return None
    try:
        return name_of({"figure": function, "result": encode(result), **_looks()})
    except CannotBeKept:
        return None


def _is_set_otherwise() -> bool:
    """Whether matplotlib's settings in this process are others than those that it began with."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        return False
    now, before = matplotlib.rcParams, matplotlib.rcParamsOrig
    # as plain dicts: to ask the settings themselves for their backend chooses one
    return any(
        value != dict.get(before, name)
        for name, value in dict.items(now)
        if not name.startswith("backend")
    )


def _looks() -> dict[str, Any]:
    """What decides how any figure looks."""
    return {
        "code": [code_version(), figures_version()],
        "versions": _versions(),
        "machine": f"{platform.system()} {platform.machine()}",
        "settings": [file.read_text(errors="replace") for file in _settings() if file.is_file()],
    }


@cache
def _versions() -> list[str]:
    return [metadata.version(name) for name in _DRAWN_BY]


def _settings() -> Iterator[Path]:
    """The files in which a user sets how matplotlib draws."""
    yield Path("matplotlibrc")
    if given := os.environ.get("MATPLOTLIBRC"):
        yield from (Path(given), Path(given, "matplotlibrc"))
    folders = [os.environ.get("MPLCONFIGDIR"), os.environ.get("XDG_CONFIG_HOME")]
    for folder in filter(None, folders):
        yield from (Path(folder, "matplotlibrc"), Path(folder, "matplotlib", "matplotlibrc"))
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE") or ""
    yield from (Path(home, at, "matplotlibrc") for at in (".config/matplotlib", ".matplotlib"))
