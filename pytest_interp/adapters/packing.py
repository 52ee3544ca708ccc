"""How what a run refers to is packed for a server, and what of it stays behind."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from nnsight.intervention.serialization import CustomCloudPickler

from pytest_interp.adapters.weights import Weights
from pytest_interp.registry import Registry


class _LeftBehind:
    """Stands at the server in the place of what cannot or need not be sent."""

    def __init__(self, what: str) -> None:
        self.__dict__["what"] = what

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(
            f"a run that was sent to a server asked for {name!r} of {self.__dict__['what']}, which"
            " stays behind: compute what an edit needs before the run, and let it refer to that"
        )


def _leave(thing: Any) -> tuple[Any, tuple[str]]:
    return _LeftBehind, (f"a {type(thing).__name__}",)


def leave_behind(*kinds: type) -> None:
    """Things of these classes are not sent."""
    kept = dict.fromkeys(kinds, _leave)
    CustomCloudPickler.dispatch_table = ChainMap(kept, CustomCloudPickler.dispatch_table)


def _cached(function: Callable[[Any], Any], name: str) -> cached_property[Any]:
    made: cached_property[Any] = cached_property(function)
    made.__set_name__(object, name)
    return made


def _reduced(thing: cached_property[Any]) -> tuple[Any, tuple[Any, ...]]:
    # in some versions of Python it holds a lock
    return _cached, (thing.func, thing.attrname)


CustomCloudPickler.dispatch_table = ChainMap(
    {cached_property: _reduced}, CustomCloudPickler.dispatch_table
)
leave_behind(Registry, ContextVar, Weights)
