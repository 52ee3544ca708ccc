"""The marker ``interp``: what a test says about its models and backends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from pytest_interp.adapters.backends import check_remote, known_backend
from pytest_interp.errors import SpecError, UnknownNameError
from pytest_interp.models.devices import check_device, check_dtype

_FORM: Final = 'write @pytest.mark.interp(model="smollm2-135m", backends=["nnsight"])'


@dataclass(frozen=True)
class Marked:
    """What the markers of a test say; nothing where they say nothing."""

    models: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    device: str | None = None
    dtype: str | None = None
    remote: str | None = None
    other_model: bool = False
    """Whether its claims may be about another model or backend than its id names."""


def read_marker(definition: pytest.Item) -> Marked:
    """Join the markers of a test, its class and its module: for each argument the nearest counts.

    Raises:
        InterpError: a marker has arguments that cannot be used.
    """
    said: dict[str, Any] = {}
    for mark in definition.iter_markers("interp"):
        if mark.args:
            raise SpecError(
                f"the marker interp takes no positional arguments, got {mark.args!r}: {_FORM}"
            )
        for name, value in mark.kwargs.items():
            if name not in _READ:
                raise UnknownNameError.of("argument of the marker interp", name, _READ)
            said.setdefault(name, _READ[name](value))
    for mark in definition.iter_markers("parametrize"):
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs.get("argvalues", ())
        for value in values if isinstance(values, list | tuple) else ():
            if any(mark.name == "interp" for mark in getattr(value, "marks", ())):
                raise SpecError(
                    "the marker interp stands on one value of a parametrization, which is too late "
                    "to choose the model: mark the test itself (model may be a list), or write a "
                    "second test"
                )
    return Marked(said.pop("model", ()), **said)


def _names(argument: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    usable = isinstance(names, list | tuple) and names and all(isinstance(n, str) for n in names)
    if not usable:
        raise SpecError(
            f"{argument}={value!r} in the marker interp is neither a name nor a list of names: "
            f"{_FORM}"
        )
    return tuple(dict.fromkeys(names))


def _flag(argument: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SpecError(f"{argument}={value!r} in the marker interp is neither True nor False")
    return value


_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "model": lambda value: _names("model", value),
    "backends": lambda value: tuple(map(known_backend, _names("backends", value))),
    "device": lambda value: None if value is None else check_device(str(value)),
    "dtype": lambda value: None if value is None else check_dtype(str(value)),
    "remote": lambda value: None if value is None else check_remote(str(value)),
    "other_model": lambda value: _flag("other_model", value),
}
"""The arguments of the marker, and how each is read."""
