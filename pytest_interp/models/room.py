"""Whether a model fits into memory, asked before it is loaded."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from pytest_interp.errors import MemoryLimitError
from pytest_interp.memory import in_words

FACTOR = 1.1
"""What weights and passes take, as a share of the weights. Backends share the tensors, and a pass
of one prompt of 100 tokens takes less than a hundredth of them in a model of 7 billion parameters.
Passes of many rows are cut to what is free (:mod:`pytest_interp.experiments.budgets`)."""
_MEMINFO, _CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def check_room(what: str, n_numbers: int, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse to load what does not fit.

    Args:
        what: the model, in words.
        n_numbers: how many numbers its weights are, by the headers of its files.
        dtype: in which they are loaded.
        device: where.

    Raises:
        MemoryLimitError: it needs more than is free on the device.
    """
    weights = n_numbers * dtype.itemsize
    needed, free = int(FACTOR * weights), free_bytes(device)
    if needed <= free:
        return
    short = str(dtype).removeprefix("torch.")
    narrower = ", load it in bfloat16 (dtype, --interp-dtype)" if dtype.itemsize > 2 else ""
    raise MemoryLimitError(
        f"{what} does not fit: its {n_numbers:,} numbers take {in_words(weights)} in {short}, with "
        f"its passes about {in_words(needed)}, and {in_words(free)} are free on {device}. Free "
        f"memory{narrower}, or take a smaller model"
    )


def free_bytes(device: torch.device) -> int:
    """What is free on a device, with what torch holds of it and does not use."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + unused)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    if not _MEMINFO.exists():  # macOS and others: half of what is built in
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    line = next(x for x in _MEMINFO.read_text().splitlines() if x.startswith("MemAvailable"))
    return int(min(int(line.split()[1]) * 1024, _left_in_container()))


def _left_in_container() -> float:
    """What the limit of a container leaves."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = (_CGROUP / "memory.current").read_text()
        return float("inf") if limit == "max" else max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return float("inf")
