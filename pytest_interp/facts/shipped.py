"""The shipped facts: files of pairs that the models of the registry know. No torch here.

Answers are single tokens and pairs are of one length for the tokenizers of SmolLM2 and its
relatives; ``known_facts`` says which of them another model knows.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pytest_interp.documents import parse_document
from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.sets import FactSet

__all__ = ["fact_sets", "load_facts", "shipped"]


def fact_sets() -> tuple[str, ...]:
    """The names of the shipped fact sets."""
    folder = files("pytest_interp.facts")
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_facts(name: str) -> FactSet:
    """A shipped fact set.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in fact_sets():
        raise UnknownNameError.of(
            "fact set", name, fact_sets(), "Your own files: FactSet.from_yaml(path)."
        )
    text = files("pytest_interp.facts").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return FactSet.from_document(parse_document(text, Path(f"{name}.yaml")))


def shipped() -> FactSet:
    """All shipped facts as one set; templates carry the name of their set."""
    return FactSet.join("shipped", [load_facts(name) for name in fact_sets()])
