"""A figure as bytes: a picture for people, and a raster for comparison.

The raster has no text, for text moves between versions of matplotlib and FreeType: by 0.6 % of a
picture, more than a peak that moves by a layer. Without it two versions agree to 0.02 %. The raster
has no marks of findings either: they may flip within the noise of the numbers that decide them.
"""

from __future__ import annotations

import io
from functools import cached_property
from typing import Final

import matplotlib.ft2font
import numpy as np
import PIL
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

from pytest_interp.figures import style
from pytest_interp.figures.registry import figure_of

_DPI: Final = 100
_RASTER_INCHES: Final = (4.0, 3.0)


class Drawing:
    """The figure of a result as two PNG files, each drawn when it is first asked for."""

    def __init__(self, result: object, figure: Figure) -> None:
        self._result = result
        self._unused: Figure | None = figure

    @cached_property
    def picture(self) -> bytes:
        """The whole figure, for people."""
        return picture(self._take())

    @cached_property
    def raster(self) -> bytes:
        """The same without any text, of a fixed size, for comparison."""
        return raster(self._take())

    @property
    def drawn_with(self) -> dict[str, str]:
        """Versions of the libraries that decide which pixels are drawn."""
        return {
            "matplotlib": matplotlib.__version__,
            "freetype": matplotlib.ft2font.__freetype_version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        }

    def _take(self) -> Figure:
        """A figure that nothing was done to: a raster takes the text out of its own."""
        figure, self._unused = self._unused or figure_of(self._result), None
        assert figure is not None
        return figure


def draw(result: object) -> Drawing | None:
    """The drawing of a result; None where it has no figure."""
    figure = figure_of(result)
    return None if figure is None else Drawing(result, figure)


def picture(figure: Figure) -> bytes:
    """The figure as PNG. A palette of 256 colours makes it small enough to commit."""
    return _png(_pixels(figure, _DPI).quantize(256, dither=Image.Dither.NONE))


def raster(figure: Figure) -> bytes:
    """The figure as PNG of 400 x 300 pixels, RGB, without text and marks. Changes the figure."""
    for artist in figure.findobj():
        if isinstance(artist, Text | Legend) or artist.get_gid() == style.FINDING:
            artist.set_visible(False)
    for axis in figure.findobj(Axis):
        axis.set_tick_params(which="both", length=0, labelleft=False, labelbottom=False)
    figure.set_size_inches(*_RASTER_INCHES)
    return _png(_pixels(figure, _DPI))


def _pixels(figure: Figure, dpi: int) -> Image.Image:
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    return Image.fromarray(np.asarray(pixels)).convert("RGB")


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
