"""From what pydantic finds to one line a mistake: file, line, key, and the nearest valid key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from pytest_interp.documents import Document, Location
from pytest_interp.errors import InterpError, SpecError

T = TypeVar("T")
_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a mapping",
    "model": "a mapping",
    "dataclass": "a mapping",
}
"""What a value should be, by the first part of pydantic's name for the mistake."""


def validated(document: Document, location: Location, make: Callable[[], T]) -> T:
    """What ``make`` returns, from the values at ``location``.

    Raises:
        SpecError: they do not fit; one line a mistake, in the order of the file.
    """
    try:
        return make()
    except ValidationError as error:
        found: dict[Location, str] = {}
        for mistake in error.errors(include_url=False):
            where = _existing(document, (*location, *mistake["loc"]))
            found.setdefault(where, _sentence(mistake, location))
        raise document.errors(found.items()) from None
    except SpecError:
        raise
    except InterpError as error:
        raise document.error(location, str(error)) from error


def unknown_keys(document: Document, location: Location, schema: dict[str, Any]) -> None:
    """Return when the mapping at ``location`` has only keys that the schema knows, at any depth.

    Raises:
        SpecError: it has others; each is named with the nearest valid one.
    """
    value: Any = document.data
    for key in location:
        value = value[key]
    found = list(_unknown(value, schema, schema, location))
    if found:
        raise document.errors(found)


def nearest(name: str, known: list[str]) -> str:
    """``Did you mean ...? Valid: ...``, the nearest first."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Valid here: {', '.join(known) or 'no key'}"


def _unknown(
    value: Any, schema: dict[str, Any], root: dict[str, Any], location: Location
) -> Iterator[tuple[Location, str]]:
    for option in _options(schema, root):
        if isinstance(value, dict) and "properties" in option:
            known = option["properties"]
            for key, inner in value.items():
                if key in known:
                    yield from _unknown(inner, known[key], root, (*location, key))
                elif not option.get("additionalProperties"):
                    yield (*location, key), f"unknown key {key!r}: {nearest(key, list(known))}"
        elif isinstance(value, list) and "items" in option:
            for index, inner in enumerate(value):
                yield from _unknown(inner, option["items"], root, (*location, index))


def _options(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema itself, what it refers to, or its alternatives that are no plain value."""
    if "$ref" in schema:
        yield from _options(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in schema:
        shaped = [o for part in schema["anyOf"] for o in _options(part, root)]
        mappings = [o for o in shaped if "properties" in o]
        # with several kinds of mappings to choose from, only pydantic can say which is meant
        yield from (o for o in shaped if "properties" not in o or len(mappings) == 1)
    else:
        yield schema


def _existing(document: Document, location: Location) -> Location:
    """The longest part of the way that the file has: pydantic adds names of alternatives."""
    while location and not document.has(location):
        location = location[:-1]
    return location


def _sentence(mistake: Any, location: Location) -> str:
    kind, context = mistake["type"], mistake.get("ctx", {})
    # pydantic also names the alternative that it tried, as tuple[int, int]
    way = [str(part) for part in (*location, *mistake["loc"]) if "[" not in str(part)]
    if kind == "missing" and isinstance(mistake["loc"][-1], int):
        # a position of a tuple
        return f"{'.'.join(way[:-1])}: expected a longer list, got {_shown(mistake['input'])}"
    if kind == "missing":
        return f"the key {mistake['loc'][-1]!r} is missing" + (
            f" in {'.'.join(map(str, location))}" if location else ""
        )
    name = ".".join(way)
    if kind == "value_error":
        return f"{name}: {mistake['msg'].removeprefix('Value error, ')}"
    if kind in ("too_long", "too_short"):
        words = ("at most", "max") if kind == "too_long" else ("at least", "min")
        said = f"expected {words[0]} {context[f'{words[1]}_length']} values"
    elif plain := _EXPECTED.get(re.sub("_(type|parsing|from_float)$", "", kind)):
        said = f"expected {plain}"
    else:
        said = mistake["msg"].replace("Input should be", "expected")
    return f"{name}: {said}, got {_shown(mistake['input'])}"


def _shown(value: object) -> str:
    text = repr(value)
    text = {"None": "nothing", "True": "true", "False": "false"}.get(text, text)
    return text if len(text) <= 60 else f"{text[:57]}..."
