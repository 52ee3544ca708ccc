"""Whether something in this process has changed what computes: a monkeypatch, or an extension.

Imported before the code of others, so that what is registered then is this package's own.
"""

from __future__ import annotations

import sys
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
COMPUTES = ("adapters", "experiments", "models", "options", "facts", "planted", "results", "stats")
"""Folders of what computes results."""
_MOCKS = "unittest.mock"


def patched(parts: tuple[str, ...] = COMPUTES) -> str | None:
    """One function or method of this package in whose place another stands; None without any.

    A function in a module, or a method of a class, that was written neither in this package nor
    in the standard library or a package that it imports. ``parts`` are the folders that count.
    """
    names = tuple(f"pytest_interp.{part}" for part in parts)
    for name, module in list(sys.modules.items()):
        if name.startswith(names) and isinstance(module, ModuleType):
            for key, value in list(vars(module).items()):
                if _is_foreign(value):
                    return f"{name}.{key}"
                if isinstance(value, type) and value.__module__ == name:
                    for method, inner in list(vars(value).items()):
                        if _is_foreign(inner):
                            return f"{name}.{key}.{method}"
    return None


def registered_by_others() -> bool:
    """Whether anyone has added, or replaced, something by which experiments compute."""
    return any(
        registry.here() != built_in or set(registry.names()) != set(built_in)
        for registry, built_in in zip(_REGISTRIES, _BUILT_IN, strict=True)
    )


def _is_foreign(value: Any) -> bool:
    if _OURS.get(id(value)) is value:  # most were there at the last call
        return False
    function = getattr(value, "__func__", value)
    if type(function).__module__ == _MOCKS:
        return True
    if not isinstance(function, FunctionType):
        return False
    # those of dataclasses and named tuples are made, not written
    if not function.__code__.co_filename.startswith("<"):
        root = str(function.__module__).partition(".")[0]
        if root not in _LIBRARIES and root not in sys.stdlib_module_names:
            return True
    _OURS[id(value)] = value
    return False


_OURS: dict[int, object] = {}
"""Functions that were looked at, and are not foreign."""
_LIBRARIES = {
    "PIL", "filelock", "gguf", "huggingface_hub", "jinja2", "lazy_loader", "matplotlib", "nnsight",
    "numpy", "platformdirs", "pydantic", "pytest_interp", "safetensors", "scipy", "sklearn",
    "tokenizers", "torch", "tqdm", "transformer_lens", "transformers", "xxhash", "yaml",
}  # fmt: skip
