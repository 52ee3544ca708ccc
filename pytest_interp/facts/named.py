"""What a command line names: a file of facts or of prompts, or a shipped set. No torch here."""

from __future__ import annotations

from pathlib import Path

from pytest_interp.documents import read_document
from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.sets import FactSet
from pytest_interp.facts.shipped import fact_sets, load_facts
from pytest_interp.facts.shipped_prompts import load_prompts, prompt_sets


def facts_or_prompts(name: str) -> FactSet | PromptSet:
    """A file by its path, whose keys say what it holds, or a shipped set by its name.

    Raises:
        SpecError: the file cannot be read, or is neither.
        UnknownNameError: neither a file nor a shipped set.
    """
    path = Path(name)
    if path.suffix or path.exists():
        from pytest_interp.facts.promptfiles import MAX_BYTES

        keys = read_document(path, MAX_BYTES, private=True).data.keys()
        has_prompts = "facts" not in keys and keys & {"prompts", "from_templates"}
        return PromptSet.from_yaml(path) if has_prompts else FactSet.from_yaml(path)
    if name in prompt_sets():
        return load_prompts(name)
    if name in fact_sets():
        return load_facts(name)
    raise UnknownNameError.of(
        "set", name, (*fact_sets(), *prompt_sets()), "A file of your own is given by its path."
    )
