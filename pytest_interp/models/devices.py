"""Choosing a device and a dtype. The names are light; torch is imported by what chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_interp.errors import DeviceError, UnknownNameError

if TYPE_CHECKING:
    import torch

DEVICES = ("cpu", "cuda", "mps")
_SHORT = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "float64": "fp64"}
DTYPES = {name: long for long, short in _SHORT.items() for name in (long, short)}
"""From what is asked for to the name that torch has for it."""


def check_device(device: str) -> str:
    """Return the name if it can be one of a device: ``auto``, ``cpu``, ``mps``, ``cuda:1``.

    Raises:
        DeviceError: it cannot. Whether this machine has the device is not checked.
    """
    kind, _, index = device.partition(":")
    if device != "auto" and (kind not in DEVICES or (index and not index.isdecimal())):
        raise DeviceError(str(UnknownNameError.of("device", device, [*DEVICES, "cuda:0"])))
    return device


def check_dtype(dtype: str) -> str:
    """Return the name if it is ``auto`` or that of a floating-point dtype that models run in.

    Raises:
        DeviceError: it is not.
    """
    if dtype != "auto" and dtype not in DTYPES:
        raise DeviceError(str(UnknownNameError.of("dtype", dtype, DTYPES)))
    return dtype


def resolve_device(device: str | torch.device | None = None) -> torch.device:
    """The asked device; by default the first of cuda, mps and cpu that this machine has.

    Raises:
        DeviceError: unknown, or not on this machine.
    """
    import torch

    if device is None or device == "auto":
        device = next(kind for kind in ("cuda", "mps", "cpu") if _count(kind))
    kind, _, index = check_device(str(device)).partition(":")
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
    import torch

    if dtype is None or dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    name = DTYPES[check_dtype(str(dtype).removeprefix("torch."))]
    if name == "float64" and device.type == "mps":
        raise DeviceError("mps has no float64: use float32, or device='cpu'.")
    found: torch.dtype = getattr(torch, name)
    return found


def _count(kind: str) -> int:
    import torch

    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    return 1


def _current(kind: str) -> int:
    import torch

    return torch.cuda.current_device() if kind == "cuda" else 0
