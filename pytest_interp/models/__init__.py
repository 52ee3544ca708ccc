"""Models by name: a registry, the places weights come from, and loading.

Importing this package is light. torch and transformers are imported when a model is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_interp.lazy import lazy_names
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


# torch is imported when a model is loaded
__getattr__ = lazy_names(__name__, {"load_model": "loader", "load_weights": "loader"})
