"""A metric that says what it measured, and whose process dies once in the middle of its work.

The first waits for the second: both nodes get something to do, however fast one of them is.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pytest_interp.options.metrics import LOGIT_DIFF, Metric


def measure(logits, answers, others):
    """The logit difference. ``MORTAL`` names a folder, which workers inherit."""
    if folder := os.environ.get("MORTAL"):
        with (Path(folder) / "measured").open("a") as log:
            log.write(f"{os.getpid()}\n")
        (Path(folder) / f"here-{os.getpid()}").touch()
        patience = time.monotonic() + 60
        while len(list(Path(folder).glob("here-*"))) < 2 and time.monotonic() < patience:
            time.sleep(0.05)
        try:
            (Path(folder) / "die").unlink()
        except FileNotFoundError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return LOGIT_DIFF(logits, answers, others)


MORTAL = Metric("mortal", measure, "logits", LOGIT_DIFF.least_gap)
