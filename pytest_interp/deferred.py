"""Functions that can be imported for nothing: what a function needs is imported at its first call.

The names of a package stand in its stub, ``__init__.pyi``, which type checkers and the reference
read. :func:`attach` gives the functions among them as :class:`Deferred` ones.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import lazy_loader  # type: ignore[import-untyped]

Through: TypeAlias = "Callable[[Deferred, tuple[Any, ...], dict[str, Any]], Any]"


class Deferred:
    """Stands for a function; its signature and its docstring are that function's."""

    def __init__(self, module: str, name: str, through: Through | None = None) -> None:
        """Stand for the function of this name, in the module where it is written.

        Calls go through ``through(self, arguments, named arguments)``, where it is given.
        """
        self.__module__, self.__name__, self.__qualname__ = module, name, name
        self._through = through

    def __repr__(self) -> str:
        return f"<function {self.__name__} of {self.__module__}>"

    def __call__(self, *given: Any, **named: Any) -> Any:
        if self._through is not None:
            return self._through(self, given, named)
        return self.function(*given, **named)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.__module__, self.__name__))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.__module__, self.__name__, self._through)

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself, as it is now; imports its module.

        Not as ``__wrapped__``: pytest looks for that on everything that a test module holds.
        """
        function: Callable[..., Any] = getattr(import_module(self.__module__), self.__name__)
        return function

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self.function.__doc__


Attached = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def attach(
    package: str, file: str, among: tuple[str, ...] = (), through: Through | None = None
) -> Attached:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package, by its stub.

    Args:
        package: its name.
        file: its ``__init__.py``, beside which the stub lies.
        among: the modules whose functions are deferred; all by default. Classes never are.
        through: what their calls go through.
    """
    found, listing, names = lazy_loader.attach_stub(package, file)
    stub = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    modules = {
        alias.name: line.module or ""
        for line in stub.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }

    @cache
    def attribute(name: str) -> Any:
        module = modules.get(name, "")
        if not name.islower() or not module or (among and module not in among):
            return found(name)
        return Deferred(f"{package}.{module}", name, through)

    return attribute, listing, names


def opened(thing: Any) -> Any:
    """The thing itself, where something stands for it until it is needed."""
    return getattr(thing, "__opened__", thing)
