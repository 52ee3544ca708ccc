"""The sets of labelled prompts that the package ships. No torch here.

For the tokenizer of SmolLM2, answers and abstaining tokens are single tokens.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.invented import known_or_invented
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.told import told_or_not

_MAKERS: dict[str, Callable[[], PromptSet]] = {
    "told-or-not": told_or_not,
    "known-or-invented": known_or_invented,
}


def prompt_sets() -> tuple[str, ...]:
    """The names of the shipped prompt sets."""
    return tuple(sorted(_MAKERS))


def load_prompts(name: str) -> PromptSet:
    """A shipped prompt set.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in _MAKERS:
        raise UnknownNameError.of(
            "prompt set",
            name,
            prompt_sets(),
            "Your own files: PromptSet.from_yaml(path), or prompts_file: in a spec, whose prompts "
            "are then called all.",
        )
    return _MAKERS[name]()
