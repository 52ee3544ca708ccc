"""Settings of the whole process that change the numbers of a result, not their rounding alone."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

VARIABLES = (
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
"""Environment variables that let products of float32 be computed with fewer digits."""


def changed_settings() -> list[str]:
    """The settings of torch that are not its own defaults. It is not imported for this.

    The number of threads and determinism are none: they change the last digits at most, as another
    CPU or other rows of a pass do. The seed of torch is none: every draw here has a generator of
    its own.
    """
    torch = sys.modules.get("torch")
    if not hasattr(torch, "get_default_dtype"):
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer names for some of them
        return [name for name, (now, usual) in _settings(torch).items() if _differs(now, usual)]


def _differs(now: Callable[[], Any], usual: Any) -> bool:
    try:
        return bool(now() != usual)
    except RuntimeError:  # torch does not say where it was set by a newer way (fp32_precision)
        return True


def _settings(torch: Any) -> Mapping[str, tuple[Callable[[], Any], Any]]:
    matmul, nn = torch.backends.cuda.matmul, torch.nn.modules.module
    return {
        "default dtype": (torch.get_default_dtype, torch.float32),
        "precision of float32 products": (torch.get_float32_matmul_precision, "highest"),
        "TF32 in products": (lambda: matmul.allow_tf32, False),
        "autocast": (lambda: any(map(torch.is_autocast_enabled, ("cpu", "cuda"))), False),
        "a mode of torch functions": (torch._C._len_torch_function_stack, 0),
        "a mode of dispatch": (torch._C._len_torch_dispatch_stack, 0),
        "hooks on all modules": (
            lambda: bool(nn._global_forward_hooks or nn._global_forward_pre_hooks),
            False,
        ),
    }


def variables_here() -> dict[str, str | None]:
    """What :data:`VARIABLES` are set to."""
    return {name: os.environ.get(name) for name in VARIABLES}
