"""Whether something in this process has changed what computes: a monkeypatch, or an extension.

Imported before the code of others, so that what is registered then is this package's own.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from pytest_interp.adapters.layouts import ARCHITECTURES
from pytest_interp.adapters.places import HOOKS, MODULES
from pytest_interp.adapters.sites import SITES
from pytest_interp.options.corruptions import CORRUPTIONS
from pytest_interp.options.metrics import METRICS
from pytest_interp.registry import Registry
from pytest_interp.store.constants import replaced_constant

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
_THEIRS = (
    "torch",
    "torch.nn.functional",
    "transformers.activations",
    "transformers.masking_utils",
    "transformers.modeling_rope_utils",
    "transformers.modeling_utils",
    "transformers.pytorch_utils",
)
"""Modules of other packages that models compute with; and all below the following."""
_ALL_OF_THEIRS = (
    "torch.nn.modules.",
    "transformers.integrations.",
    "transformers.models.",
    "transformer_lens.",
    "nnsight.",
)
_USED = {
    "PIL", "filelock", "gguf", "huggingface_hub", "jinja2", "lazy_loader", "matplotlib", "nnsight",
    "numpy", "platformdirs", "pydantic", "pydantic_core", "pytest_interp", "safetensors", "scipy",
    "sklearn", "tokenizers", "torch", "tqdm", "transformer_lens", "transformers",
    "typing_extensions", "xxhash", "yaml",
}  # fmt: skip
"""Packages whose functions stand in modules of this one."""
_INSTALLED = ("site-packages", "dist-packages")

_fine: dict[str, tuple[list[int], list[Any]]] = {}
"""What stood in each module when it was last looked through, and nothing was replaced."""


def patched(parts: tuple[str, ...] = COMPUTES) -> str | None:
    """One thing in whose place another stands; None without any.

    A function, method, class or constant of this package; a function, method or class of the
    modules of torch, transformers and the backends that models compute with. ``parts`` are the
    folders of this package that count. Modules that nobody has imported are as their files are. The
    first look takes 0.1 s where torch is loaded, later ones 10 ms.
    """
    folders = tuple(f"pytest_interp.{part}" for part in parts)
    for name, module in list(sys.modules.items()):
        ours = name.startswith(folders)
        theirs = name in _THEIRS or name.startswith(_ALL_OF_THEIRS)
        if not (ours or theirs) or not isinstance(module, ModuleType):
            continue
        values = _values(name, module)
        ids = list(map(id, values))
        if _fine.get(name, ((), ()))[0] == ids:
            continue
        for where, value in _named(name, module):
            if _is_foreign(value, ours):
                return where
        if ours and (constant := replaced_constant(module)) is not None:
            return f"{name}.{constant}"
        _fine[name] = ids, values  # held, so that no other object gets one of these ids
    return None


def registered_by_others() -> bool:
    """Whether anyone has added, or replaced, something by which experiments compute."""
    return any(
        registry.here() != built_in or set(registry.names()) != set(built_in)
        for registry, built_in in zip(_REGISTRIES, _BUILT_IN, strict=True)
    )


def _values(name: str, module: ModuleType) -> list[Any]:
    """What stands in a module, and in its own classes."""
    values = list(vars(module).values())
    own = [one for one in values if isinstance(one, type) and one.__module__ == name]
    return values + [inner for one in own for inner in vars(one).values()]


def _named(name: str, module: ModuleType) -> Iterator[tuple[str, Any]]:
    for key, value in list(vars(module).items()):
        yield f"{name}.{key}", value
        if inspect.isclass(value) and value.__module__ == name:
            for method, inner in list(vars(value).items()):
                yield f"{name}.{key}.{method}", inner


def _is_foreign(value: Any, ours: bool) -> bool:
    """Whether a function, a class or what can be called was written by somebody else."""
    value = getattr(value, "__func__", value)
    while isinstance(value, partial):
        value = value.func
    if isinstance(value, property):
        return any(_is_foreign(one, ours) for one in (value.fget, value.fset) if one is not None)
    if isinstance(value, FunctionType):
        # where the code stands: functools.wraps gives a wrapper the module of what it wraps
        file, home = value.__code__.co_filename, value.__globals__.get("__name__", "")
        if file.startswith("<"):
            return False  # those of dataclasses and named tuples are made, not written
        inner = getattr(value, "__wrapped__", None)
        return _is_of_others(str(home), file, ours) or (
            isinstance(inner, FunctionType) and _is_foreign(inner, ours)
        )
    kind = value if isinstance(value, type) else type(value)
    if not isinstance(value, type) and not callable(value):
        return False
    module = sys.modules.get(kind.__module__)
    if module is None or kind.__module__ == "unittest.mock":
        return module is not None
    return _is_of_others(kind.__module__, getattr(module, "__file__", None) or "", ours)


def _is_of_others(home: str, file: str, ours: bool) -> bool:
    root = home.partition(".")[0]
    if root in _USED or root in sys.stdlib_module_names:
        return False
    return ours or not any(part in file for part in _INSTALLED)
