"""Whether results of earlier runs are used."""

from __future__ import annotations

import os

from pytest_interp.store.files import VARIABLE

MODES = ("off", "on", "refresh")
"""``on`` reads and writes kept results, ``refresh`` computes and writes, ``off`` does neither."""
_OF_A_CI = ("CI", "BUILD_NUMBER")


def is_off() -> bool:
    """Whether the environment says that nothing is kept, whatever is asked."""
    return os.environ.get(VARIABLE, "").lower() == "off"


def mode_of(asked: str | None) -> str:
    """The mode that was asked for; without one, results are kept but for runs of a CI."""
    if is_off():
        return "off"
    return asked or ("off" if any(map(os.environ.get, _OF_A_CI)) else "on")
