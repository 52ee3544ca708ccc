"""Choosing a device and a dtype."""

from __future__ import annotations

import torch

from pytest_interp.errors import DeviceError, UnknownNameError

DEVICES = ("cpu", "cuda", "mps")
DTYPES = {
    "float32": torch.float32,
    "fp32": torch.float32,
    "bfloat16": torch.bfloat16,
    "bf16": torch.bfloat16,
    "float16": torch.float16,
    "fp16": torch.float16,
    "float64": torch.float64,
    "fp64": torch.float64,
}


def resolve_device(device: str | torch.device | None = None) -> torch.device:
    """The asked device; by default the first there is of cuda, mps, cpu.

    Raises:
        DeviceError: unknown, or not on this machine.
    """
    if device is None or device == "auto":
        device = next(kind for kind in ("cuda", "mps", "cpu") if _count(kind))
    kind, _, index = str(device).partition(":")
    if kind not in DEVICES or (index and not index.isdecimal()):
        known = [*DEVICES, "cuda:0"]
        raise DeviceError(str(UnknownNameError.of("device", str(device), known)))
    if int(index or 0) >= _count(kind):
        there = [f"{kind} ({_count(kind)})" for kind in DEVICES if _count(kind)]
        raise DeviceError(
            f"this machine has no device {str(device)!r} that torch can use."
            f" Available: {', '.join(there)}."
        )
    if kind == "cpu":
        return torch.device("cpu")
    # "cuda" and "cuda:0" are one device: name it one way, so that weights are shared
    return torch.device(kind, int(index) if index else _current(kind))


def resolve_dtype(dtype: str | torch.dtype | None, device: torch.device) -> torch.dtype:
    """The asked dtype; by default bfloat16 on cuda and float32 elsewhere.

    Raises:
        DeviceError: not a floating-point dtype that models run in.
    """
    if dtype is None or dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise DeviceError(str(UnknownNameError.of("dtype", name, DTYPES)))
    if DTYPES[name] is torch.float64 and device.type == "mps":
        raise DeviceError("mps has no float64: use float32, or device='cpu'.")
    return DTYPES[name]


def _count(kind: str) -> int:
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    return 1


def _current(kind: str) -> int:
    return torch.cuda.current_device() if kind == "cuda" else 0
