"""One saved result as text: a JSON file that reads well in a diff."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from pytest_interp.baselines import store
from pytest_interp.errors import BaselineError
from pytest_interp.results.base import Result
from pytest_interp.results.tolerances import Tolerance

SCHEMA: Final = 1
"""Version of the file's layout."""

T = TypeVar("T", int, float)
_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Entry:
    """What a baseline file holds.

    ``tolerances`` are those of the run that wrote it, so that two files can be compared without
    the code that made them. ``provenance`` is shown when it differs and never compared.
    """

    result: Mapping[str, Any]
    tolerances: Mapping[str, Tolerance]
    provenance: Mapping[str, Any]

    @classmethod
    def of(cls, result: Result) -> Self:
        """Take the numbers, the tolerances and the provenance of a result.

        Raises:
            BaselineError: it holds NaN, an infinity, or something that JSON has no word for.
        """
        provenance = result.provenance
        return cls(
            result=plain(result.to_json(), type(result).__name__),
            tolerances=dict(result.tolerances()),
            provenance={} if provenance is None else plain(provenance.to_json(), "provenance"),
        )

    def dumps(self) -> str:
        """The file's text: one line a field, one line a row of numbers."""
        tolerances = {k: {"atol": t.atol, "rtol": t.rtol} for k, t in self.tolerances.items()}
        return (
            _layout(
                {
                    "schema": SCHEMA,
                    "result": self.result,
                    "tolerances": tolerances,
                    "provenance": self.provenance,
                }
            )
            + "\n"
        )

    @classmethod
    def read(cls, path: Path, where: str) -> Self:
        """Read a file that :meth:`dumps` wrote.

        Raises:
            BaselineError: it cannot be read or is no baseline; ``where`` names it in the message.
        """
        return cls.loads(store.read(path), where)

    @classmethod
    def loads(cls, text: str | bytes, where: str) -> Self:
        """Read what :meth:`dumps` wrote.

        Raises:
            BaselineError: the text is no baseline; ``where`` names it in the message.
        """
        try:
            # bytes that are not UTF-8 raise a ValueError as well
            told = text.decode("utf-8") if isinstance(text, bytes) else text
            data = json.loads(
                told, parse_constant=_refuse, parse_float=_finite(float), parse_int=_finite(int)
            )
        except (ValueError, RecursionError) as error:
            raise BaselineError(f"{where} cannot be read as JSON ({error}). {_MEND}") from error
        wrong = _wrong(data)
        if wrong:
            raise BaselineError(f"{where} is no baseline: {wrong}. {_MEND}")
        tolerances = data["tolerances"]
        return cls(
            result=data["result"],
            tolerances={k: Tolerance(v["atol"], v["rtol"]) for k, v in tolerances.items()},
            provenance=data["provenance"],
        )


def plain(value: Any, where: str) -> Any:
    """Numpy and tuples as what JSON knows, and everything else refused by its place.

    Raises:
        BaselineError: NaN, an infinity, a key that is no string, or an unknown type.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise BaselineError(f"{where} has the key {key!r}: JSON keys are strings")
        return {key: plain(item, f"{where}.{key}") for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise BaselineError(
            f"{where} is {value}: undefined numbers are no baseline. Leave the field out, or "
            "check the result before it is kept (a trace whose two prompts give the same metric "
            "has no recovery)"
        )
    if not isinstance(value, _SCALARS):
        raise BaselineError(f"{where} is of type {type(value).__name__}: to_json must return "
                            "strings, numbers, booleans, None, lists and dicts")  # fmt: skip
    return value


_MEND: Final = (
    "Restore the file from version control, or write it anew with --interp-update=all (an entry "
    "for one backend alone: with --interp-update-override as well)."
)


def _wrong(data: Any) -> str | None:
    """What the JSON of a file lacks to be an entry."""
    if not isinstance(data, dict):
        return "it is no JSON object"
    if data.get("schema") != SCHEMA:
        return f"it has schema {data.get('schema')!r}, and this version reads {SCHEMA}"
    for key in ("result", "tolerances", "provenance"):
        if not isinstance(data.get(key), dict):
            return f"it has no object {key!r}"
    for field, tolerance in data["tolerances"].items():
        pair = tolerance if isinstance(tolerance, dict) else {}
        if not all(_is_allowance(pair.get(name)) for name in ("atol", "rtol")):
            return f"the tolerance of {field!r} is no pair of an atol and an rtol of 0 or more"
    return None


def _is_allowance(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _refuse(constant: str) -> float:
    raise ValueError(f"it holds {constant}")


def _finite(number: Callable[[str], T]) -> Callable[[str], T]:
    """Read a number of JSON: 1e999 is as undefined as Infinity, and every value is near it."""

    def read(text: str) -> T:
        # of an integer too, which is compared with floats
        if not math.isfinite(float(text)):
            _refuse(text if len(text) < 20 else f"{text[:20]}...")
        return number(text)

    return read


def _layout(value: Any, indent: str = "") -> str:
    """Indented JSON, but lists of scalars and pairs of them stay on one line."""
    inner = indent + "  "
    if isinstance(value, Mapping) and value:
        if indent and len(value) <= 2 and all(isinstance(v, _SCALARS) for v in value.values()):
            return json.dumps(value, allow_nan=False, ensure_ascii=False)
        lines = (f"{inner}{json.dumps(k)}: {_layout(v, inner)}" for k, v in value.items())
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (list, Mapping)) for item in value):
        return "[\n" + ",\n".join(inner + _layout(v, inner) for v in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
