"""The backends by name, and opening a model under one. Light: no torch."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Final, cast

from pytest_interp.errors import BackendNotInstalledError, UnknownNameError

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.adapters.weights import Weights

BACKENDS: Final = ("transformer_lens", "nnsight")
"""Names of the backends; the first is the default where a model names none."""

_CLASSES = {"transformer_lens": "TransformerLensAdapter", "nnsight": "NNsightAdapter"}
_EXTRAS = {"transformer_lens": "tl", "nnsight": "nnsight"}


def installed(backend: str) -> bool:
    """Whether the package of a backend is here (it is not imported)."""
    return importlib.util.find_spec(backend) is not None


def check_backend(backend: str) -> str:
    """Return the name if it is a known and installed backend.

    Raises:
        UnknownNameError: there is no such backend.
        BackendNotInstalledError: its package is missing.
    """
    if backend not in BACKENDS:
        named = {extra: name for name, extra in _EXTRAS.items()}.get(backend)
        hint = f"The extra {backend!r} brings the backend {named!r}." if named else ""
        raise UnknownNameError.of("backend", backend, BACKENDS, hint)
    if not installed(backend):
        raise BackendNotInstalledError(
            f"the backend {backend!r} is not installed. "
            f"Run: pip install 'pytest-interp[{_EXTRAS[backend]}]'"
        )
    return backend


def open_adapter(weights: Weights, backend: str) -> ModelAdapter:
    """Put loaded weights under a backend. The tensors are shared, not copied.

    Raises:
        UnknownNameError: there is no such backend, or the architecture has no layout.
        BackendNotInstalledError: the backend's package is missing.
    """
    module = importlib.import_module(f"pytest_interp.adapters.{check_backend(backend)}")
    return cast("ModelAdapter", getattr(module, _CLASSES[backend])(weights))
