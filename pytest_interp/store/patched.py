"""Whether something in this process has changed what computes: a monkeypatch, or an extension.

Imported before the code of others, so that what is registered then is this package's own.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from pytest_interp.adapters.layouts import ARCHITECTURES
from pytest_interp.adapters.places import HOOKS, MODULES
from pytest_interp.adapters.sites import SITES
from pytest_interp.options.corruptions import CORRUPTIONS
from pytest_interp.options.metrics import METRICS
from pytest_interp.registry import Registry

_REGISTRIES: tuple[Registry[Any], ...] = (
    ARCHITECTURES,
    SITES,
    HOOKS,
    MODULES,
    METRICS,
    CORRUPTIONS,
)
_BUILT_IN = [dict(registry.here()) for registry in _REGISTRIES]
_COMPUTES = ("adapters", "experiments", "models", "options", "facts", "planted", "results", "stats")
_PARTS = tuple(f"pytest_interp.{name}" for name in _COMPUTES)
_MOCKS = "unittest.mock"


def patched() -> str | None:
    """One function or method of this package in whose place another stands; None without any.

    A function in a module, or a method of a class, that was written neither in this package nor
    in the standard library or a package that it imports.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(_PARTS) and isinstance(module, ModuleType):
            for where, value in _values(name, module):
                if _is_foreign(value):
                    return where
    return None


def registered_by_others() -> bool:
    """Whether anyone has added, or replaced, something by which experiments compute."""
    return any(
        registry.here() != built_in or set(registry.names()) != set(built_in)
        for registry, built_in in zip(_REGISTRIES, _BUILT_IN, strict=True)
    )


def _values(name: str, module: ModuleType) -> Iterator[tuple[str, Any]]:
    for key, value in list(vars(module).items()):
        yield f"{name}.{key}", value
        if inspect.isclass(value) and value.__module__ == name:
            for method, inner in list(vars(value).items()):
                yield f"{name}.{key}.{method}", inner


def _is_foreign(value: Any) -> bool:
    value = getattr(value, "__func__", value)
    if type(value).__module__ == _MOCKS:
        return True
    if not isinstance(value, FunctionType) or value.__code__.co_filename.startswith("<"):
        return False  # those of dataclasses and named tuples are made, not written
    root = str(value.__module__).partition(".")[0]
    return root not in _LIBRARIES and root not in sys.stdlib_module_names


_LIBRARIES = {
    "pytest_interp", "filelock", "gguf", "huggingface_hub", "jinja2", "lazy_loader", "numpy",
    "nnsight", "platformdirs", "pydantic", "safetensors", "scipy", "sklearn", "tokenizers", "torch",
    "tqdm", "transformer_lens", "transformers", "xxhash", "yaml",
}  # fmt: skip
