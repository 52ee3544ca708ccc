"""How long a call takes, and how much memory."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Timed:
    """One call."""

    seconds: float
    """Seconds of the processor, all threads together; or by the clock."""
    peak: float
    """MB that the process held at most, beyond what it held before; nan where nobody counts."""
    found: Any
    """What the call gave."""


def timed(call: Callable[[], Any]) -> Timed:
    """Measure a call: on one thread by the processor, on several by the clock."""
    gc.collect()
    _give_back()
    before = _resident_then_reset()
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    with torch.no_grad():
        found = call()
    seconds = clock() - start
    return Timed(seconds, _read("VmHWM") - before, found)


def _give_back() -> None:
    """Give memory that was freed back to the system, so that using it again counts."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident_then_reset() -> float:
    try:
        _CLEAR.write_text("5")  # the highest mark is now what the process holds
    except OSError:
        return float("nan")
    return _read("VmRSS")


def _read(field: str) -> float:
    if not _STATUS.exists():
        return float("nan")
    line = next(x for x in _STATUS.read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6
