"""Which models are registered, and which of them are on this machine. Light: no torch."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_interp.errors import InterpError
from pytest_interp.models.registry import find_model, model_names


@dataclass(frozen=True)
class ModelStatus:
    """One line of the inventory."""

    name: str
    source: str
    """Where the weights come from, in words."""
    default_backend: str
    available: bool
    """Whether the weights are on this machine."""
    advice: str
    """How to get them; empty when they are here."""


def inventory() -> list[ModelStatus]:
    """The state of every registered model, by name. Loads nothing and uses no network."""
    return [_status(name) for name in model_names()]


def _status(name: str) -> ModelStatus:
    try:
        entry = find_model(name)
    except InterpError as error:  # of a package that registers it: the others are still there
        return ModelStatus(name, "unknown", "", False, str(error))
    advice = ""
    try:
        entry.source.check()
    except InterpError as error:
        advice = str(error)
    return ModelStatus(name, entry.source.describe(), entry.default_backend, not advice, advice)
