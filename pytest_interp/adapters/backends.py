"""The backends by name, and opening a model under one. Light: no torch."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_interp.deferred import opened
from pytest_interp.errors import BackendNotInstalledError, RemoteError, UnknownNameError
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
    """The package that it needs, by the name under which that is imported."""
    install: str
    """The command that installs it."""


BACKENDS: Registry[Backend] = Registry("backend", things=Backend)


def register_backend(backend: Backend, *, replace: bool = False) -> Backend:
    """Add a backend: specs that name none run under it too, where its package is installed.

    Raises:
        InterpError: the name is taken.
    """
    return BACKENDS.add(backend.name, backend, replace=replace)


for _name, _adapter, _extra in (
    ("transformer_lens", "TransformerLensAdapter", "tl"),
    ("nnsight", "NNsightAdapter", "nnsight"),
):
    _where = f"pytest_interp.adapters.{_name}:{_adapter}"
    register_backend(Backend(_name, _where, _name, f"pip install 'pytest-interp[{_extra}]'"))


def backend_names() -> tuple[str, ...]:
    """All backends, in the order in which they were added; the first is the default."""
    return tuple(BACKENDS.all())


def is_ours(backend: str) -> bool:
    """Whether the adapter of this backend is one of this package's."""
    return BACKENDS.find(backend).adapter.startswith("pytest_interp.adapters.")


def installed(backend: str) -> bool:
    """Whether the package of a backend is installed. Does not import it."""
    return importlib.util.find_spec(BACKENDS.find(backend).package) is not None


def installed_backends() -> tuple[str, ...]:
    """The backends whose packages are installed."""
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
    """Return the name if it is that of an installed backend.

    Raises:
        UnknownNameError: there is no such backend.
        BackendNotInstalledError: its package is missing.
    """
    if not installed(known_backend(backend)):
        raise BackendNotInstalledError(
            f"the backend {backend!r} is not installed. Run: {BACKENDS.find(backend).install}"
        )
    return backend


def check_remote(remote: str) -> str:
    """Return it if it says where runs can be made.

    Raises:
        RemoteError: it does not.
    """
    if remote not in ("local", "ndif") and not remote.startswith(("http://", "https://")):
        raise RemoteError(
            f"remote is {remote!r}: expected ndif, the address of a server (https://...), or local"
        )
    return remote


def open_adapter(weights: Weights, backend: str, remote: str | None = None) -> ModelAdapter:
    """Put loaded weights under a backend. The tensors are shared, not copied.

    ``remote`` says where its runs are made: ``"ndif"``, the address of a server, or ``"local"``,
    which sends them as to a server and runs them here. nnsight alone can do that.

    Raises:
        RemoteError: runs are to be made elsewhere, and the backend cannot send them.
        UnknownNameError: there is no such backend, or the architecture has no layout.
        BackendNotInstalledError: the backend's package is missing.
    """
    if remote is not None:
        if check_backend(backend) != "nnsight":
            raise RemoteError(
                f"runs under {backend} cannot be made elsewhere (remote: {remote}): name the"
                " backend nnsight"
            )
        from pytest_interp.adapters.remote import RemoteAdapter

        return RemoteAdapter(opened(weights), check_remote(remote))
    weights = opened(weights)
    if weights.is_bare:
        raise RemoteError(
            f"the weights of {weights.name} are not here: say where its runs are made,"
            " open_adapter(weights, backend, remote)"
        )
    module, _, name = BACKENDS.find(check_backend(backend)).adapter.partition(":")
    made: ModelAdapter = getattr(importlib.import_module(module), name)(weights)
    return made
