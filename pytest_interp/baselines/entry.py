"""One saved result as text: a JSON file that reads well in a diff."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from pytest_interp.errors import BaselineError
from pytest_interp.results import Result, Tolerance

SCHEMA: Final = 1
"""Version of the file's layout."""

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
    def loads(cls, text: str, where: str) -> Self:
        """Read what :meth:`dumps` wrote.

        Raises:
            BaselineError: the text is no baseline; ``where`` names it in the message.
        """
        mend = "Restore the file from version control, or write it anew with --interp-update=all."
        try:
            data = json.loads(text, parse_constant=_refuse)
        except ValueError as error:
            raise BaselineError(f"{where} cannot be read as JSON ({error}). {mend}") from error
        if not isinstance(data, dict) or not isinstance(data.get("result"), dict):
            raise BaselineError(f"{where} is no baseline: it has no object 'result'. {mend}")
        if data.get("schema") != SCHEMA:
            raise BaselineError(
                f"{where} has schema {data.get('schema')!r}, this version reads {SCHEMA}. {mend}"
            )
        tolerances = data.get("tolerances", {})
        return cls(
            result=data["result"],
            tolerances={k: Tolerance(v["atol"], v["rtol"]) for k, v in tolerances.items()},
            provenance=data.get("provenance", {}),
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


def _refuse(constant: str) -> float:
    raise ValueError(f"it holds {constant}")


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
