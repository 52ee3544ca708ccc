"""What a run and its tests ask for: models, backends, devices. Nothing here imports pytest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_interp.adapters.backends import backend_names, installed_backends
from pytest_interp.errors import UnknownNameError
from pytest_interp.models.registry import choose_backend, model_names
from pytest_interp.plugin.checkpoints import Checkpoint

AUTO, ALL = "auto", "all"


@dataclass(frozen=True)
class Target:
    """What a parametrized test runs on."""

    model: str
    """Name of the model, as the spec says it."""
    backend: str | None
    """Name of the backend; None for a test that asks only for the weights."""
    device: str | None = None
    """The device and the dtype of the spec count where the run asks for none."""
    dtype: str | None = None
    remote: str | None = None
    """Where its runs are made; None for where the model's entry says, or here."""

    def __str__(self) -> str:
        return self.model if self.backend is None else f"{self.model}-{self.backend}"


@dataclass(frozen=True)
class RunOptions:
    """What the command line and the ini file say about models and backends."""

    default_models: tuple[str, ...] = ()
    """Models of tests that name none."""
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    """For a model's name, the checkpoint that stands in for it."""
    backends: tuple[str, ...] = ()
    """Backends of the run; ``(AUTO,)`` is each model's own, none at all is what is installed."""
    device: str | None = None
    dtype: str | None = None
    strict: bool = False
    """Missing weights fail a test instead of skipping it."""

    def source_of(self, model: str) -> str:
        """The checkpoint on which specs of this model run."""
        return self.checkpoints[model].source if model in self.checkpoints else model

    def backends_of(self, model: str, asked: tuple[str, ...]) -> tuple[str, ...]:
        """The backends of a test that asks for these, or for none in particular.

        Empty when the run is restricted to backends that the test does not ask for.
        """
        if self.backends == (AUTO,):
            own = choose_backend(model if model in model_names() else self.source_of(model))
            return (own,) if not asked or own in asked else asked[:1]
        if asked:
            return tuple(name for name in asked if not self.backends or name in self.backends)
        # with no backend installed, opening the first one says what to install
        return self.backends or installed_backends() or backend_names()


def parse_backends(text: str) -> tuple[str, ...]:
    """Read ``auto``, ``all``, or names of backends between commas.

    Raises:
        UnknownNameError: there is no such backend.
    """
    known = backend_names()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if names == (ALL,):
        return known
    if unknown := [name for name in names if name not in known and names != (AUTO,)]:
        raise UnknownNameError.of("backend", unknown[0], [*known, AUTO, ALL])
    return names
