"""How much memory the passes of this process may take, where somebody says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_interp.errors import InterpError

_UNITS = {"": 1, "B": 1} | {
    name: base**power
    for base, form in ((1000, "{}B"), (1024, "{}iB"))
    for power, letter in enumerate("KMGT", start=1)
    for name in [form.format(letter)]
}
_limit: int | None = None


def limit_memory(amount: int | str | None) -> None:
    """Let the passes of this process take so much memory, as ``"4GB"`` or a number of bytes.

    The weights are not part of it. None: what the device has free decides.

    Raises:
        InterpError: the text is no amount of memory, or the amount is 0.
    """
    global _limit
    _limit = None if amount is None else parse_bytes(str(amount))


@contextmanager
def memory_limited(amount: int | str | None) -> Iterator[None]:
    """The same inside this block; None leaves it as it is. Errors as for :func:`limit_memory`."""
    before = _limit
    limit_memory(before if amount is None else amount)
    try:
        yield
    finally:
        limit_memory(before)


def memory_limit() -> int | None:
    """The bytes that were asked for; None where nobody did."""
    return _limit


def parse_bytes(text: str) -> int:
    """Read an amount of memory.

    Raises:
        InterpError: it is none, or 0.
    """
    read = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    units = {name.lower(): size for name, size in _UNITS.items()}
    if read is None or read[2].lower() not in units or not float(read[1]):
        raise InterpError(
            f"{text!r} is no amount of memory: write a number and a unit, as 4GB, 500MB or 2GiB"
        )
    return int(float(read[1]) * units[read[2].lower()])


def in_words(n_bytes: float) -> str:
    """An amount of memory as people write it, as ``1.5 GB``."""
    for unit in ("GB", "MB", "KB"):
        if n_bytes >= _UNITS[unit]:
            return f"{n_bytes / _UNITS[unit]:.3g} {unit}"
    return f"{n_bytes:.0f} bytes"
