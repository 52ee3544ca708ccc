"""File names of entries: readable where they can be, and never the same for two results."""

from __future__ import annotations

import hashlib
import re
from typing import Final

SEPARATOR: Final = "--"
BACKEND: Final = "@"
NUMBERS: Final = ".json"
PICTURE: Final = ".png"
RASTER: Final = ".raster.png"
SUFFIXES: Final = (NUMBERS, PICTURE, RASTER)
"""Suffixes of the files of one entry."""

_LONGEST: Final = 120


def stem_of(test: str, model: str | None, name: str | None = None) -> str:
    """The file stem of a result: ``<test>--<model>`` or ``<test>--<model>--<name>``.

    ``test_x[denoise]`` becomes ``test_x-denoise``: a function's name has no hyphen of its own.
    """
    plain = re.fullmatch(r"([^\W\d][\w.]*)\[(\w[\w.]*(?:-[\w.]+)*)\]", test, re.ASCII)
    first = "-".join(plain.groups()) if plain else test
    return SEPARATOR.join(slug(part) for part in (first, model, name) if part is not None)


def slug(text: str) -> str:
    """A part of a file name. A text that had to be changed gets a hash: no two texts collide."""
    means_more = SEPARATOR in text or text.endswith(RASTER.removesuffix(PICTURE))
    if len(text) <= _LONGEST and not means_more and re.fullmatch(r"\w[\w.-]*", text, re.ASCII):
        return text
    clean = re.sub(r"[^\w.]+", "-", text, flags=re.ASCII)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{clean[:_LONGEST].strip('-.')}-{digest}"
