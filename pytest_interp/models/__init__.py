"""Models by name: a registry, the places weights come from, and loading.

Importing this package is light. torch and transformers are imported when a model is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_interp.models.inventory import ModelStatus, inventory
from pytest_interp.models.registry import ModelEntry, model_names, register_model
from pytest_interp.models.sources import (
    FolderSource,
    GgufSource,
    HubSource,
    PackageFile,
    PlantedSource,
    Source,
)

if TYPE_CHECKING:
    from pytest_interp.models.loader import load_model, load_weights

__all__ = [
    "FolderSource",
    "GgufSource",
    "HubSource",
    "ModelEntry",
    "ModelStatus",
    "PackageFile",
    "PlantedSource",
    "Source",
    "inventory",
    "load_model",
    "load_weights",
    "model_names",
    "register_model",
]


def __getattr__(name: str) -> Any:
    if name in {"load_model", "load_weights"}:
        from pytest_interp.models import loader

        return getattr(loader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
