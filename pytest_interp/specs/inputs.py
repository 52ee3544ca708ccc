"""Inputs that a spec gives by name: facts by their ids, sets of facts and of prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pytest_interp.documents import Document, Location, check_below
from pytest_interp.errors import InterpError, SpecError
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.sets import FactSet
from pytest_interp.facts.shipped import load_facts, shipped_facts
from pytest_interp.facts.shipped_prompts import load_prompts

T = TypeVar("T")
ALL = "all"
"""In place of a name: everything in the file that the spec names."""


def looked_up(
    document: Document,
    inputs: Mapping[str, Any],
    files: Mapping[str, str | None],
    folders: Sequence[Path],
) -> dict[str, Any]:
    """The inputs with facts and prompts in place of their names.

    Args:
        document: the spec.
        inputs: as the spec gives them.
        files: the files of one's own that it names, by what they hold: ``facts``, ``prompts``.
        folders: these files lie below one of them.

    Raises:
        SpecError: a file cannot be used, or there is nothing of a name.
    """
    # a file that is named but not used must be right too
    facts = _own(document, "facts_file", files["facts"], FactSet.from_yaml, folders)
    prompts = _own(document, "prompts_file", files["prompts"], PromptSet.from_yaml, folders)
    finders: dict[str, tuple[type | tuple[type, ...], Callable[[Any], Any]]] = {
        "fact": (str, lambda given: (facts or shipped_facts()).find(given).prompt),
        "facts": ((str, list), lambda given: _facts(given, facts)),
        "prompts": (str, lambda given: _prompts(given, prompts)),
    }
    found = dict(inputs)
    for key, (kinds, find) in finders.items():
        if isinstance(given := found.get(key), kinds):
            found[key] = asdict(named(document, ("inputs", key), lambda: find(given)))  # noqa: B023
    return found


def named(document: Document, location: Location, find: Callable[[], T]) -> T:
    """What ``find`` returns; its errors with file and line."""
    try:
        return find()
    except SpecError:
        raise
    except InterpError as error:
        raise document.error(location, str(error)) from error


def _own(
    document: Document,
    key: str,
    name: str | None,
    read: Callable[[Path], T],
    folders: Sequence[Path],
) -> T | None:
    """What a file holds that the spec names under a key."""
    if name is None:
        return None
    try:
        file = document.path.parent / name
        check_below(file, folders)
        return read(file)
    except InterpError as error:
        raise document.error((key,), str(error)) from error


def _facts(given: str | list[Any], own: FactSet | None) -> FactSet:
    """Facts by their ids, ``all`` of the file, or a shipped set by its name."""
    known = own or shipped_facts()
    if isinstance(given, list):
        return FactSet(known.name, tuple(known.find(str(name)) for name in given))
    return known if given in (ALL, known.name) else load_facts(given)


def _prompts(given: str, own: PromptSet | None) -> PromptSet:
    """``all`` of the file, or a shipped set by its name."""
    if own is not None and given in (ALL, own.name):
        return own
    return load_prompts(given)
