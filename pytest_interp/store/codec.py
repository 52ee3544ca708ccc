"""Values as JSON and back, to the last bit: no pickle, so that reading an entry runs no code.

Only what this package defines is written: its frozen dataclasses, plain values, and arrays of
numbers. Everything else is refused, and then a result is not kept.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pkgutil import resolve_name
from types import FunctionType, MappingProxyType
from typing import Any

import numpy as np

_KIND, _VALUE = "kind", "value"
_HOME = "pytest_interp."


class CannotBeKept(TypeError):  # noqa: N818 - it is no fault, and never reaches a user
    """A value that has no exact form here."""


def encode(value: Any) -> Any:
    """A value as JSON holds it.

    Raises:
        CannotBeKept: it is, or holds, something that this package did not define.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [encode(one) for one in value]
    if type(value) is tuple:
        return _tagged("tuple", [encode(one) for one in value])
    if type(value) is range:
        return _tagged("range", [value.start, value.stop, value.step])
    if type(value) in (set, frozenset):
        return _tagged(type(value).__name__, sorted(map(encode, value), key=repr))
    if type(value) in (dict, MappingProxyType):
        name = "dict" if type(value) is dict else "mapping"
        return _tagged(name, [[encode(k), encode(v)] for k, v in value.items()])
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcUS":
        array = np.asarray(value)
        raw = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        writable = isinstance(value, np.ndarray) and value.flags.writeable
        is_array = isinstance(value, np.ndarray)
        return _tagged("array", [array.dtype.str, list(array.shape), is_array, writable, raw])
    if (
        isinstance(value, FunctionType)
        and _found(f"{value.__module__}:{value.__qualname__}") is value
    ):
        return _tagged("function", f"{value.__module__}:{value.__qualname__}")
    kind = type(value)
    if is_dataclass(value) and kind.__module__.startswith(_HOME):
        parts = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
        return _tagged(f"{kind.__module__}:{kind.__qualname__}", parts)
    raise CannotBeKept(f"a {kind.__module__}.{kind.__qualname__}")


def decode(value: Any) -> Any:
    """The value that :func:`encode` was given.

    Raises:
        ValueError: it is nothing that was encoded here.
    """
    if isinstance(value, list):
        return [decode(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    kind, inner = value[_KIND], value[_VALUE]
    if kind == "array":
        return _array(*inner)
    if kind == "function":
        return _found(inner)
    if kind == "range":
        return range(*inner)
    if kind in ("dict", "mapping"):
        made = {decode(k): decode(v) for k, v in inner}
        return made if kind == "dict" else MappingProxyType(made)
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](map(decode, inner))
    return _instance(kind, inner)


_SEQUENCES: Mapping[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}


def _tagged(kind: str, value: Any) -> dict[str, Any]:
    return {_KIND: kind, _VALUE: value}


def _array(dtype: str, shape: list[int], is_array: bool, writable: bool, raw: str) -> Any:
    array = np.frombuffer(base64.b64decode(raw), dtype=dtype).reshape(shape)
    if not is_array:
        return array[()]
    if writable:
        array = array.copy()
    return array


def _instance(kind: str, parts: Mapping[str, Any]) -> Any:
    found = _found(kind)
    if not isinstance(found, type) or not is_dataclass(found):
        raise ValueError(f"{kind} is no dataclass of this package")
    if set(parts) != {field.name for field in fields(found)}:
        raise ValueError(f"{kind} has other fields")
    made = object.__new__(found)  # its checks were made when it was computed
    for name, part in parts.items():
        object.__setattr__(made, name, decode(part))
    return made


def _found(name: str) -> Any:
    """What has this name, as ``module:name``, in this package; None where nothing has."""
    try:
        return resolve_name(name) if name.startswith(_HOME) else None
    except (AttributeError, ImportError, ValueError):
        return None
