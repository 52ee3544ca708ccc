"""The mistakes that pydantic finds, one line each: file, line, key, and the nearest valid key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from types import NoneType
from typing import Any, TypeVar

from pydantic import ValidationError

from pytest_interp.documents import Document, Location, shown_key
from pytest_interp.errors import InterpError, SpecError

T = TypeVar("T")
_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    **dict.fromkeys(("list", "tuple", "set"), "a list"),
    **dict.fromkeys(("dict", "model", "dataclass"), "a mapping"),
}
"""The expected value, by the first part of pydantic's name for the mistake."""


def validated(
    document: Document,
    location: Location,
    schema: dict[str, Any],
    make: Callable[[], T],
    elsewhere: Callable[[str], str] = lambda key: "",
) -> T:
    """What ``make`` returns, from the values at ``location``; ``schema`` is their JSON Schema.

    ``elsewhere`` says of an unknown key where in the document it would be known, if anywhere.

    Raises:
        SpecError: they do not fit, or hold keys that the schema lacks, at any depth. It has one
            line per mistake, in the order of the file, and the nearest key to an unknown one.
    """
    value: Any = document.data
    for key in location:
        value = value[key]
    found = dict(_unknown(value, schema, schema, location, document.private, elsewhere))
    misnamed = {place[:-1] for place in found}  # what these lack is there under a wrong name
    try:
        made = make()
    except ValidationError as error:
        for mistake in error.errors(include_url=False):
            # an error of ours may name the input that it is about
            about = getattr(mistake.get("ctx", {}).get("error"), "about", None)
            mistake["loc"] = (*mistake["loc"], *([about] if about else []))
            way = (*location, *mistake["loc"])
            where = _existing(document, way)
            if where in misnamed:
                continue
            if mistake["type"] == "missing" and isinstance(way[-1], str):
                where = (*where, way[-1])  # each is a mistake of its own
            found.setdefault(where, _sentence(mistake, location, document.private))
    except SpecError:
        raise
    except InterpError as error:
        raise document.errors(found.items() or [(location, str(error))]) from error
    if found:
        raise document.errors(found.items())
    return made


def nearest(name: str, known: list[str]) -> str:
    """``Did you mean ...? Valid: ...``, the nearest first."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}{_valid(known)}"


def _valid(known: Iterable[str]) -> str:
    return f"Valid here: {', '.join(known) or 'no key'}"


def _below(key: str, known: dict[str, Any], root: dict[str, Any]) -> str:
    """That a key belongs one level deeper, where one of the known keys has it."""
    for name, schema in known.items():
        if any(key in option.get("properties", {}) for option in _options(schema, root)):
            return f"it belongs below {name}"
    return ""


def _unknown(
    value: Any,
    schema: dict[str, Any],
    root: dict[str, Any],
    location: Location,
    private: bool,
    elsewhere: Callable[[str], str] = lambda key: "",
) -> Iterator[tuple[Location, str]]:
    for option in _options(schema, root):
        if isinstance(value, dict) and "properties" in option:
            known = option["properties"]
            for key, inner in value.items():
                if key in known:
                    yield from _unknown(inner, known[key], root, (*location, key), private)
                elif not option.get("additionalProperties"):
                    hint = _below(key, known, root) or elsewhere(key)
                    hint = f"{hint}. {_valid(known)}" if hint else nearest(key, list(known))
                    yield (*location, key), f"unknown key '{shown_key(key, private)}': {hint}"
        elif isinstance(value, list) and "items" in option:
            for index, inner in enumerate(value):
                yield from _unknown(inner, option["items"], root, (*location, index), private)


def _options(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema itself, what it refers to, or its alternatives."""
    if "$ref" in schema:
        yield from _options(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in schema:
        shaped = [o for part in schema["anyOf"] for o in _options(part, root)]
        mappings = [o for o in shaped if "properties" in o]
        # among several kinds of mappings, only pydantic can say which is meant
        yield from (o for o in shaped if "properties" not in o or len(mappings) == 1)
    else:
        yield schema


def _existing(document: Document, location: Location) -> Location:
    """The parts of the way that are in the file: pydantic adds names of alternatives."""
    found: Location = ()
    for part in location:
        if document.has((*found, part)):
            found = (*found, part)
    return found


def _sentence(mistake: Any, location: Location, private: bool) -> str:
    kind, value, context = mistake["type"], mistake["input"], mistake.get("ctx", {})
    # pydantic also names the alternative that it tried, as tuple[int, int]
    parts = [part for part in (*location, *mistake["loc"]) if "[" not in str(part)]
    way = [shown_key(part, private) for part in parts]
    if kind == "missing" and isinstance(mistake["loc"][-1], str):
        return f"the key {way[-1]!r} is missing" + (f" in {'.'.join(way[:-1])}" if way[1:] else "")
    # a position of a tuple that is missing is a mistake of the tuple
    name = ".".join(way[:-1] if kind == "missing" else way)
    if kind == "value_error":
        said = mistake["msg"].removeprefix("Value error, ")
        return f"{name}: {said}" if name else said
    if kind == "missing":
        said = "expected a longer list"
    elif kind == "too_long":
        said = f"expected at most {context['max_length']} values"
    elif kind == "too_short":
        said = f"expected at least {context['min_length']} values"
    elif plain := _EXPECTED.get(re.sub("_(type|parsing|from_float)$", "", kind)):
        said = f"expected {plain}"
    else:
        said = mistake["msg"].replace("Input should be", "expected")
    # for YAML no, on, 1984 and 2020-01-01 are not text
    quoted = kind == "string_type" and not isinstance(value, list | dict | NoneType)
    advice = ": put it in quotes" if quoted else ""
    if said == "expected a list" and isinstance(value, dict):
        advice = ": begin each of its entries with '- '"
    return f"{name}: {said}, got {_shown(value, private)}{advice}"


def _shown(value: object, private: bool) -> str:
    """A value in a few words. A mapping shows only its keys: a wrong file may hold secrets.

    Of a private document the kind of the value alone is shown.
    """
    if isinstance(value, dict):
        keys = [shown_key(key, private) for key in value]
        text = f"a mapping of {', '.join(keys) or 'nothing'}"
    elif private and not isinstance(value, bool | NoneType):
        kinds = {str: "a text", int: "a number", float: "a number", list: "a list", date: "a date"}
        text = kinds.get(type(value), "another value")
    elif isinstance(value, list):
        text = f"[{', '.join(_shown(one, private) for one in value)}]"
    else:
        text = repr(value)
        text = {"None": "nothing", "True": "true", "False": "false"}.get(text, text)
    return text if len(text) <= 60 else f"{text[:57]}..."
