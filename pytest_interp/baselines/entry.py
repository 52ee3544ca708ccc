"""One saved result as text: a JSON file that reads well in a diff."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any, Final, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from pytest_interp.errors import BaselineError
from pytest_interp.results.base import Axis, Decision, Result
from pytest_interp.results.tolerances import Tolerance

SCHEMA: Final = 1
"""Version of the file's layout."""

T = TypeVar("T", int, float)
_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Entry:
    """What a baseline file holds.

    ``tolerances``, ``axes`` and ``findings`` are those of the run that wrote it, so that two files
    can be compared without the code that made them. ``provenance`` is shown when it differs and
    never compared.
    """

    result: Mapping[str, Any]
    tolerances: Mapping[str, Tolerance]
    provenance: Mapping[str, Any]
    axes: Mapping[str, tuple[Axis, ...]] = field(default_factory=dict)
    """What the indices of fields count; files of earlier versions do not say."""
    findings: Mapping[str, Decision] = field(default_factory=dict)
    """Which numbers decide discrete fields; files of earlier versions do not say."""

    @classmethod
    def of(cls, result: Result) -> Self:
        """Take all that a result says of itself. Errors as for :func:`plain`."""
        provenance = result.provenance
        return cls(
            result=plain(result.to_json(), type(result).__name__),
            tolerances=dict(result.tolerances()),
            provenance={} if provenance is None else plain(provenance.to_json(), "provenance"),
            axes={name: tuple(axes) for name, axes in result.axes().items()},
            findings=dict(result.findings()),
        )

    def dumps(self) -> str:
        """The file's text: one line per field, one line per row of numbers."""
        data: dict[str, Any] = {"schema": SCHEMA, "result": self.result}
        data["tolerances"] = {name: asdict(of) for name, of in self.tolerances.items()}
        if self.axes:
            data["axes"] = {name: list(map(asdict, of)) for name, of in self.axes.items()}
        if self.findings:
            data["findings"] = {name: asdict(of) for name, of in self.findings.items()}
        return _layout({**data, "provenance": self.provenance}) + "\n"

    @staticmethod
    def loads(text: str | bytes, where: str) -> Entry:
        """Read what :meth:`dumps` wrote.

        Raises:
            BaselineError: the text is no baseline; ``where`` names it in the message.
        """
        try:
            # bytes that are not UTF-8 raise a ValueError as well
            decoded = text.decode("utf-8") if isinstance(text, bytes) else text
            data = json.loads(
                decoded, parse_constant=_refuse, parse_float=_finite(float), parse_int=_finite(int)
            )
        except (ValueError, RecursionError) as error:
            raise BaselineError(f"{where} cannot be read as JSON ({error}). {_MEND}") from error
        wrong = None
        if isinstance(data, dict) and data.get("schema") != SCHEMA:
            wrong = f"it has schema {data.get('schema')!r}, and this version reads {SCHEMA}"
        else:
            try:
                entry = _reader().validate_json(decoded, strict=True)
                for name, near in data["tolerances"].items():
                    if not near.keys() >= {"atol", "rtol"} or min(near["atol"], near["rtol"]) < 0:
                        wrong = _wrong(("tolerances", name))
            except ValidationError as error:
                wrong = _wrong(error.errors()[0]["loc"])
        if wrong is not None:
            raise BaselineError(f"{where} is no baseline: {wrong}. {_MEND}")
        return replace(entry, result=data["result"], provenance=data["provenance"])


@cache
def _reader() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)


def plain(value: Any, where: str) -> Any:
    """Numpy values and tuples as numbers and lists of JSON.

    Raises:
        BaselineError: NaN, an infinity, a key that is no string, or an unknown type; the message
            begins with its place.
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
            f"{where} is {value}: undefined numbers are no baseline. Leave the field out, or check "
            "the result first (where both prompts give the same metric, there is no recovery)"
        )
    if not isinstance(value, _SCALARS):
        raise BaselineError(f"{where} is of type {type(value).__name__}: to_json must return "
                            "strings, numbers, booleans, None, lists and dicts")  # fmt: skip
    return value


_MEND: Final = (
    "Restore the file from version control, or write it again with --interp-update=all (an entry "
    "for one backend alone: with --interp-update-override as well)."
)
_PARTS: Final[Mapping[str, str]] = {
    "tolerances": "the tolerance of {!r} is no pair of an atol and an rtol of 0 or more",
    "axes": "the axes of {!r} are no list of axes, each with a name and labels",
    "findings": "the finding {!r} does not say by which field and how it is decided",
}


def _wrong(place: tuple[int | str, ...]) -> str:
    """What the JSON of a file lacks to be an entry, by the place of its first mistake."""
    if len(place) > 1 and place[0] in _PARTS:
        return _PARTS[str(place[0])].format(place[1])
    return f"it has no object {place[0]!r}" if place else "it is no JSON object"


def _refuse(constant: str) -> float:
    raise ValueError(f"it holds {constant}")


def _finite(number: Callable[[str], T]) -> Callable[[str], T]:
    """Read a number of JSON, but none that a float cannot hold: 1e999 is read as infinity."""

    def read(text: str) -> T:
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
