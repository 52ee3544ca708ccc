"""Threads of torch where several processes share the cores."""

from __future__ import annotations

import os


def share_threads(processes: int) -> None:
    """Let torch use this process's share of the threads. ``OMP_NUM_THREADS`` wins where it is set.

    Threads of several processes that each take every core wait for one another.
    """
    import torch

    if processes > 1 and not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))
