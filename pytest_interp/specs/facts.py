"""Facts by id, and sets of them by name."""

from __future__ import annotations

import difflib
from pathlib import Path

from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.sets import Fact, FactSet
from pytest_interp.facts.shipped import load_facts


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
    return FactSet.from_yaml(path) if path.suffix or path.exists() else load_facts(name)
