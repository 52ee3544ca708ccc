"""One saved result as text: a JSON file that reads well in a diff."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Self, TypeVar

from pytest_interp.errors import BaselineError
from pytest_interp.results.base import Axis, Decision, Result
from pytest_interp.results.tolerances import Tolerance

SCHEMA: Final = 1
"""Version of the file's layout."""
MAX_NOTES: Final = 20
"""Notes that an entry keeps."""

T = TypeVar("T", int, float)
_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class FigureRecord:
    """Which files of a figure belong to the numbers, and what drew them."""

    picture: str
    """SHA-256 of the file's content, in hexadecimal digits."""
    raster: str
    """The same."""
    drawn_with: Mapping[str, str]
    """Versions of the libraries that decide which pixels are drawn."""


@dataclass(frozen=True)
class Note:
    """Why somebody accepted what an entry holds."""

    time: str
    """In UTC, as ISO 8601."""
    note: str
    git_sha: str | None
    """The commit that the accepted result was made at; None outside of git."""


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
    figure: FigureRecord | None = None
    """None where it has no figure; files of earlier versions do not say."""
    history: tuple[Note, ...] = ()
    """Notes of those who accepted it and what stood here before, the last :data:`MAX_NOTES`."""

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
        if self.figure:
            data["figure"] = asdict(self.figure)
        if self.history:
            data["history"] = list(map(asdict, self.history[-MAX_NOTES:]))
        return _layout({**data, "provenance": self.provenance}) + "\n"

    @classmethod
    def loads(cls, text: str | bytes, where: str) -> Self:
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
        if wrong := _wrong(data):
            raise BaselineError(f"{where} is no baseline: {wrong}. {_MEND}")
        axes, figure = data.get("axes", {}), data.get("figure")
        return cls(
            result=data["result"],
            tolerances={k: Tolerance(v["atol"], v["rtol"]) for k, v in data["tolerances"].items()},
            provenance=data["provenance"],
            axes={k: tuple(Axis(a["name"], a["labels"]) for a in v) for k, v in axes.items()},
            findings={k: Decision(v["by"], v["how"]) for k, v in data.get("findings", {}).items()},
            figure=FigureRecord(**figure) if figure else None,
            history=tuple(
                Note(n["time"], n["note"], n.get("git_sha")) for n in data.get("history", [])
            ),
        )


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


def _wrong(data: Any) -> str | None:
    """What the JSON of a file lacks to be an entry."""
    if not isinstance(data, dict):
        return "it is no JSON object"
    if data.get("schema") != SCHEMA:
        return f"it has schema {data.get('schema')!r}, and this version reads {SCHEMA}"
    whole = {**_LATER, **data}
    for key in ("result", "tolerances", "provenance", *_LATER):
        if not isinstance(whole.get(key), dict):
            return f"it has no object {key!r}"
    for name, of in whole["tolerances"].items():
        if not all(_is_allowance(value) for value in _values(of, "atol", "rtol")):
            return f"the tolerance of {name!r} is no pair of an atol and an rtol of 0 or more"
    for name, of in whole["axes"].items():
        axes = of if isinstance(of, list) else [None]
        if not all(isinstance(v, str) for axis in axes for v in _values(axis, "name", "labels")):
            return f"the axes of {name!r} are no list of a name and labels each"
    for name, of in whole["findings"].items():
        by, how = _values(of, "by", "how")
        if not isinstance(by, str) or how not in _HOW:
            return f"the finding {name!r} does not say by which field and how it is decided"
    if "figure" in data and not _is_figure(data["figure"]):
        return "its 'figure' does not say the digests of both files and what drew them"
    if not _is_history(data.get("history", [])):
        return "its 'history' is no list of notes with a time each"
    return None


_LATER: Final[Mapping[str, Any]] = {"axes": {}, "findings": {}}
"""Keys that files of earlier versions do not have."""
_HOW: Final = ("lead", "sign", "largest", "smallest")


def _values(of: Any, *names: str) -> list[Any]:
    """The values of these keys; None for each where there is no such key or no mapping."""
    return [of.get(name) if isinstance(of, dict) else None for name in names]


def _is_figure(of: Any) -> bool:
    names = [f.name for f in fields(FigureRecord)]
    *digests, versions = _values(of, *names)
    return (
        isinstance(of, dict)
        and set(of) == set(names)
        and isinstance(versions, dict)
        and all(isinstance(value, str) for value in (*digests, *versions.values()))
    )


def _is_history(of: Any) -> bool:
    return isinstance(of, list) and all(
        isinstance(time, str) and isinstance(note, str) and isinstance(sha, str | None)
        for time, note, sha in (_values(one, "time", "note", "git_sha") for one in of)
    )


def _is_allowance(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


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
