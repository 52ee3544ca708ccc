"""Facts by id: from the file that a spec names, or from the shipped ones."""

from __future__ import annotations

import difflib
from pathlib import Path

from pytest_interp.errors import UnknownNameError
from pytest_interp.facts import load_facts, shipped
from pytest_interp.factsets import Fact, FactSet
from pytest_interp.specs.source import read_document

MAX_BYTES = 2 * 1024 * 1024


def open_facts(path: Path | None) -> FactSet:
    """Read a facts file, within the bounds of a spec file but for its size; the shipped for None.

    Raises:
        SpecError: it cannot be read, or is no facts file.
    """
    if path is None:
        return shipped()
    return FactSet.from_data(read_document(path, MAX_BYTES).data, str(path))


def find_fact(name: str, facts: FactSet) -> Fact:
    """The fact with this id.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    by_id = {fact.id: fact for fact in facts}
    if name not in by_id:
        near = difflib.get_close_matches(name, by_id, n=3, cutoff=0.5) or list(by_id)[:3]
        raise UnknownNameError(
            f"there is no fact {name!r} among the {len(facts)} of {facts.name}. "
            f"The nearest: {', '.join(near)}"
        )
    return by_id[name]


def named_facts(name: str) -> FactSet:
    """A facts file by its path, or a shipped set by its name.

    Raises:
        SpecError: the file cannot be read, or is no facts file.
        UnknownNameError: neither a file nor a shipped set.
    """
    path = Path(name)
    return open_facts(path) if path.suffix or path.exists() else load_facts(name)
