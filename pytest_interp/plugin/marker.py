"""The marker ``interp``: what a test says of its models and backends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from pytest_interp.adapters.backends import known_backend
from pytest_interp.errors import DeviceError, UnknownNameError
from pytest_interp.models.devices import check_device, check_dtype

_ARGUMENTS = ("model", "backends", "device", "dtype")
_FORM = 'write @pytest.mark.interp(model="smollm2-135m", backends=["nnsight"])'


@dataclass(frozen=True)
class Marked:
    """What the markers of a test say; nothing where they say nothing."""

    models: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    device: str | None = None
    dtype: str | None = None


def read_marker(definition: pytest.Item) -> Marked:
    """Join the markers of a test, its class and its module: for each argument the nearest counts.

    Raises:
        pytest.Collector.CollectError: a marker has arguments that cannot be used; the message
            names the test's file and line.
    """
    models: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    places: dict[str, str] = {}
    for mark in definition.iter_markers("interp"):
        if mark.args:
            raise collect_error(
                definition,
                f"the marker interp takes no positional arguments, got {mark.args!r}: {_FORM}",
            )
        for name in mark.kwargs:
            if name not in _ARGUMENTS:
                unknown = UnknownNameError.of("argument of the marker interp", name, _ARGUMENTS)
                raise collect_error(definition, str(unknown))
        models = models or _names(definition, mark, "model")
        backends = backends or _names(definition, mark, "backends")
        for name in backends:
            try:
                known_backend(name)
            except UnknownNameError as error:
                raise collect_error(definition, str(error)) from error
        for name, check in (("device", check_device), ("dtype", check_dtype)):
            if mark.kwargs.get(name) is not None:
                try:
                    places.setdefault(name, check(str(mark.kwargs[name])))
                except DeviceError as error:
                    raise collect_error(definition, str(error)) from error
    for mark in definition.iter_markers("parametrize"):
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs.get("argvalues", ())
        _refuse_on_a_value(definition, values if isinstance(values, list | tuple) else ())
    return Marked(models, backends, **places)


def _refuse_on_a_value(definition: pytest.Item, values: Iterable[object]) -> None:
    for value in values:
        marks = getattr(value, "marks", ())  # of a pytest.param
        if any(mark.name == "interp" for mark in marks):
            raise collect_error(
                definition,
                "the marker interp stands on one value of a parametrization, where it would come "
                "too late to choose the model: mark the test itself (model may be a list), or "
                "write a second test",
            )


def _names(definition: pytest.Item, mark: pytest.Mark, argument: str) -> tuple[str, ...]:
    if argument not in mark.kwargs:
        return ()
    value = mark.kwargs[argument]
    names = (value,) if isinstance(value, str) else value
    usable = isinstance(names, list | tuple) and names and all(isinstance(n, str) for n in names)
    if not usable:
        raise collect_error(
            definition,
            f"{argument}={value!r} in the marker interp is neither a name nor a list of names: "
            f"{_FORM}",
        )
    return tuple(dict.fromkeys(names))


def collect_error(definition: pytest.Item, message: str) -> pytest.Collector.CollectError:
    """An error that shows as one message with the test's file and line."""
    path, line, name = definition.location
    return pytest.Collector.CollectError(f"{path}:{(line or 0) + 1}: {name}: {message}")
