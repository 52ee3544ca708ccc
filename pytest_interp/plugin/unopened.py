"""What stands for a model until something of it is needed: a kept result needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any, SupportsIndex, cast
from weakref import ref

WEIGHTS = "pytest_interp.adapters.weights:Weights"


class _Class(type):
    """The class of one stand-in. What is read of it, or set on it, is of the class of the thing."""

    _of: Callable[[], Any]

    @property  # type: ignore[misc]
    def __dict__(cls) -> Any:  # type: ignore[override]
        return vars(cls.__opened_class__)

    @property
    def __opened_class__(cls) -> type:
        return type(type.__getattribute__(cls, "_of")().__opened__)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.__opened_class__, name)

    def __setattr__(cls, name: str, value: object) -> None:
        setattr(cls.__opened_class__, name, value)

    def __delattr__(cls, name: str) -> None:
        delattr(cls.__opened_class__, name)


class _Unopened:
    """An adapter or weights that are loaded at their first use.

    What is known without loading is answered so. Everything else is that of the thing itself.
    """

    __slots__ = ("__weakref__", "_kind", "_known", "_made", "_open", "_shown")

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        made = object.__getattribute__(self, "_made")
        kind = object.__getattribute__(self, "_kind")
        return resolve_name(kind) if made is None else type(made)

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
        object.__getattribute__(self, "_known").pop(name, None)

    def __delattr__(self, name: str) -> None:
        delattr(self.__opened__, name)
        object.__getattribute__(self, "_known").pop(name, None)

    def __dir__(self) -> list[str]:
        return dir(self.__opened__)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return self.__opened__.__reduce_ex__(protocol)  # a copy is one of the thing itself


def unopened(kind: str, known: Mapping[str, Any], shown: str, make: Callable[[], Any]) -> Any:
    """Stand for what ``make()`` gives, until something of it is needed.

    Args:
        kind: its class, as ``module:name``; ``isinstance`` sees that.
        known: attributes that need no loading.
        shown: its ``repr``.
        make: loads it.
    """
    # a class for each: whoever sets something on the class of a stand-in means that of the thing
    own = _Class(kind.rpartition(":")[2], (_Unopened,), {"__slots__": ()})
    made: Any = object.__new__(cast(Any, own))
    type.__setattr__(own, "_of", ref(made))
    parts = {"kind": kind, "known": dict(known), "shown": shown, "open": make, "made": None}
    for name, value in parts.items():
        object.__setattr__(made, f"_{name}", value)
    return made


def stands_in(thing: object) -> bool:
    """Whether this stands for a model."""
    return type(type(thing)) is _Class


def made_of(thing: object) -> Any:
    """What a stand-in was opened as, and any other thing itself; None for an unopened one."""
    return object.__getattribute__(thing, "_made") if stands_in(thing) else thing
