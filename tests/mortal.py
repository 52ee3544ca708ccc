"""A metric that says what it measured, and whose process or node dies once in the middle.

The first waits for the second: both nodes get something to do, however fast one of them is.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pytest_interp.options.metrics import LOGIT_DIFF, Metric


def measure(logits, answers, others):
    """The logit difference. ``MORTAL`` names a folder, which workers inherit.

    A file ``die`` in it kills the first process that finds it. A file ``die-all`` kills a node, of
    those whose processes find ``DOOMED`` in their environment.
    """
    if folder := os.environ.get("MORTAL"):
        with (Path(folder) / "measured").open("a") as log:
            log.write(f"{os.getpid()}\n")
        (Path(folder) / f"here-{os.getpid()}").touch()
        patience = time.monotonic() + 60
        while len(list(Path(folder).glob("here-*"))) < 2 and time.monotonic() < patience:
            time.sleep(0.05)
        if _takes(Path(folder) / "die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if "DOOMED" in os.environ and _takes(Path(folder) / "die-all"):
            # what Ray runs on the node, of which every worker is a child; it takes them with it
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
    return LOGIT_DIFF(logits, answers, others)


def _takes(file: Path) -> bool:
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True


MORTAL = Metric("mortal", measure, "logits", LOGIT_DIFF.least_gap)
