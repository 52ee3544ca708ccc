"""File names of entries: readable where they can be, and never the same for two results."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

SEPARATOR: Final = "--"
BACKEND: Final = "@"
NUMBERS: Final = ".json"
PICTURE: Final = ".png"
RASTER: Final = ".raster.png"
SUFFIXES: Final = (NUMBERS, PICTURE, RASTER)
"""Suffixes of the files of one entry."""

# The longest file name of common file systems has 255 bytes: a stem, two suffixes that follow an @
# (a label and a backend), and ".raster.png". All names are ASCII.
_PART: Final = 120
_TEST_AND_MODEL: Final = 160
_STEM: Final = 194
_AFTER_AT: Final = 24


def stem_of(test: str, model: str | None, name: str | None = None) -> str:
    """The file stem of a result: ``<test>--<model>`` or ``<test>--<model>--<name>``.

    ``test_x[denoise]`` becomes ``test_x-denoise``: a function's name has no hyphen of its own.
    With a name it begins with the stem without one.
    """
    plain = re.fullmatch(r"([^\W\d][\w.]*)\[(\w[\w.]*(?:-[\w.]+)*)\]", test, re.ASCII)
    first = "-".join(plain.groups()) if plain else test
    both = SEPARATOR.join(slug(part) for part in (first, model) if part is not None)
    stem = _bounded(both, _TEST_AND_MODEL)
    if name is None:
        return stem
    return stem + SEPARATOR + _bounded(slug(name), _STEM - len(stem) - len(SEPARATOR))


def function_of(stem: str) -> str:
    """The name of the test function that a stem begins with, or its beginning where it was cut."""
    return stem.partition(SEPARATOR)[0].partition("-")[0].rpartition(".")[2]


def slug(text: str) -> str:
    """A part of a file name. A text that had to be changed gets a hash: no two texts collide."""
    means_more = SEPARATOR in text or text.endswith(RASTER.removesuffix(PICTURE))
    if len(text) <= _PART and not means_more and re.fullmatch(r"\w[\w.-]*", text, re.ASCII):
        return text
    clean = re.sub(r"[^\w.]+", "-", text, flags=re.ASCII)
    return _with_hash(clean[:_PART], text)


def marked(stem: str, mark: str) -> str:
    """The stem of an entry for a backend or a checkpoint alone."""
    return f"{stem}{BACKEND}{_bounded(mark, _AFTER_AT)}"


def _bounded(text: str, length: int) -> str:
    return text if len(text) <= length else _with_hash(text[: length - 9], text)


def _with_hash(shortened: str, whole: str) -> str:
    return f"{shortened.strip('-.')}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def same_but_for_case(file: Path) -> str | None:
    """The name of another file in the folder that some file systems do not tell from this one."""
    try:
        names = [other.name for other in file.parent.iterdir()]
    except OSError:
        return None
    if file.name in names:
        return None
    return next((name for name in names if name.casefold() == file.name.casefold()), None)
