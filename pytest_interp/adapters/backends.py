"""The backends by name, and opening a model under one. Light: no torch."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import BackendNotInstalledError, InterpError, UnknownNameError
from pytest_interp.registry import Registry

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.adapters.weights import Weights


@dataclass(frozen=True)
class Backend:
    """A library that runs models, and the adapter that speaks to it."""

    name: str
    adapter: str
    """Where the subclass of :class:`ModelAdapter` is, as ``module:Class``. Imported when used."""
    package: str
    """The package that must be installed for it, by the name under which it is imported."""
    install: str
    """The command that installs it."""


def _accept(name: str, thing: Any) -> Backend:
    if not isinstance(thing, Backend):
        raise InterpError(f"a backend is a Backend, got a {type(thing).__name__}")
    return thing


BACKENDS: Registry[Backend] = Registry("backend", accept=_accept)


def register_backend(backend: Backend, *, replace: bool = False) -> Backend:
    """Add a backend: specs that name none run under it too, where its package is installed.

    Raises:
        InterpError: the name is taken.
    """
    return BACKENDS.add(backend.name, backend, replace=replace)


register_backend(
    Backend(
        "transformer_lens",
        "pytest_interp.adapters.transformer_lens:TransformerLensAdapter",
        "transformer_lens",
        "pip install 'pytest-interp[tl]'",
    )
)
register_backend(
    Backend(
        "nnsight",
        "pytest_interp.adapters.nnsight:NNsightAdapter",
        "nnsight",
        "pip install 'pytest-interp[nnsight]'",
    )
)


def backend_names() -> tuple[str, ...]:
    """All backends, in the order in which they were added; the first is the default."""
    return tuple(BACKENDS.all())


def installed(backend: str) -> bool:
    """Whether the package of a backend is here (it is not imported)."""
    return importlib.util.find_spec(BACKENDS.find(backend).package) is not None


def installed_backends() -> tuple[str, ...]:
    """Those backends whose packages are here."""
    return tuple(filter(installed, backend_names()))


def known_backend(backend: str) -> str:
    """Return the name if it is that of a backend.

    Raises:
        UnknownNameError: there is no such backend.
    """
    if backend == "tl":
        raise UnknownNameError("the extra 'tl' brings the backend 'transformer_lens': name that")
    BACKENDS.find(backend)
    return backend


def check_backend(backend: str) -> str:
    """Return the name if it is a known and installed backend.

    Raises:
        UnknownNameError: there is no such backend.
        BackendNotInstalledError: its package is missing.
    """
    if not installed(known_backend(backend)):
        raise BackendNotInstalledError(
            f"the backend {backend!r} is not installed. Run: {BACKENDS.find(backend).install}"
        )
    return backend


def open_adapter(weights: Weights, backend: str) -> ModelAdapter:
    """Put loaded weights under a backend. The tensors are shared, not copied.

    Raises:
        UnknownNameError: there is no such backend, or the architecture has no layout.
        BackendNotInstalledError: the backend's package is missing.
    """
    module, _, name = BACKENDS.find(check_backend(backend)).adapter.partition(":")
    made: ModelAdapter = getattr(importlib.import_module(module), name)(weights)
    return made
