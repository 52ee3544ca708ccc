"""Whether results of earlier runs are used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pytest_interp.store.files import VARIABLE, Store

MODES = ("off", "on", "refresh")
"""``on`` reads and writes kept results, ``refresh`` computes and writes, ``off`` does neither."""
_OF_A_CI = ("CI", "BUILD_NUMBER")
_mode: ContextVar[str] = ContextVar("pytest_interp_store", default="on")


def is_off() -> bool:
    """Whether the environment says that nothing is kept, whatever is asked."""
    return os.environ.get(VARIABLE, "").lower() == "off"


def mode_of(asked: str | None) -> str:
    """The mode that was asked for; without one, results are kept but for runs of a CI."""
    if is_off():
        return "off"
    return asked or ("off" if any(map(os.environ.get, _OF_A_CI)) else "on")


@contextmanager
def storing(mode: str) -> Iterator[Store | None]:
    """Inside this block the store is used in this mode; it is given, None where it is off.

    Raises:
        CacheError: the store has no folder, or its limit is none.
    """
    token = _mode.set(mode)
    try:
        yield store_now()
    finally:
        _mode.reset(token)


def store_now() -> Store | None:
    """The store in the mode of the run at hand; ``on`` outside of any.

    Raises:
        CacheError: as for :func:`storing`.
    """
    mode = _mode.get()
    return None if mode == "off" or is_off() else Store.here(reads=mode == "on")
