"""What stands for a model until something of it is needed: a kept result needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any, SupportsIndex

WEIGHTS = "pytest_interp.adapters.weights:Weights"
ADAPTER = "pytest_interp.adapters.base:ModelAdapter"


class Unopened:
    """An adapter or weights that are loaded at their first use; ``isinstance`` sees the kind.

    What is known without loading is answered so. Everything else is that of the thing itself.
    """

    __slots__ = ("__weakref__", "_kind", "_known", "_made", "_open", "_shown")

    def __init__(
        self, kind: str, known: Mapping[str, Any], shown: str, make: Callable[[], Any]
    ) -> None:
        """Stand for what ``make()`` gives, of the class that ``kind`` names."""
        for name, value in (("kind", kind), ("known", known), ("shown", shown), ("open", make)):
            object.__setattr__(self, f"_{name}", value)
        object.__setattr__(self, "_made", None)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return resolve_name(object.__getattribute__(self, "_kind"))

    @property
    def __opened__(self) -> Any:
        """The thing itself."""
        if object.__getattribute__(self, "_made") is None:
            object.__setattr__(self, "_made", object.__getattribute__(self, "_open")())
        return object.__getattribute__(self, "_made")

    def __repr__(self) -> str:
        return str(object.__getattribute__(self, "_shown"))

    def __getattr__(self, name: str) -> Any:
        known = object.__getattribute__(self, "_known")
        return known[name] if name in known else getattr(self.__opened__, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__opened__, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__opened__, name)

    def __dir__(self) -> list[str]:
        return dir(self.__opened__)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return self.__opened__.__reduce_ex__(protocol)  # a copy is one of the thing itself


def stands_in(thing: object) -> bool:
    """Whether this stands for a model."""
    return type(thing) is Unopened


def made_of(thing: object) -> Any:
    """What a stand-in was opened as, and any other thing itself; None for an unopened one."""
    return object.__getattribute__(thing, "_made") if stands_in(thing) else thing
