"""The shipped facts: files of pairs that the models of the registry know. No torch here.

For the tokenizers of SmolLM2 and its relatives, answers are single tokens and the prompts of a pair
have one length. ``known_facts`` says which of the facts another model knows.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.sets import FactSet


def fact_sets() -> tuple[str, ...]:
    """The names of the shipped fact sets."""
    names = (Path(entry.name) for entry in files("pytest_interp.facts").iterdir())
    return tuple(sorted(name.stem for name in names if name.suffix == ".yaml"))


def load_facts(name: str) -> FactSet:
    """A shipped fact set.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in fact_sets():
        raise UnknownNameError.of(
            "fact set", name, fact_sets(), "Your own files: FactSet.from_yaml(path)."
        )
    with as_file(files("pytest_interp.facts").joinpath(f"{name}.yaml")) as path:
        return FactSet.from_yaml(path)


def shipped_facts() -> FactSet:
    """All shipped facts as one set. A template's name begins with that of its set."""
    return FactSet.join("shipped", [load_facts(name) for name in fact_sets()])
