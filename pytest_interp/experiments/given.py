"""What an experiment is given, compared with what it takes, before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pytest_interp.errors import ArgumentError
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet

_A_FACT = (
    "a FactPrompt: FactPrompt(clean_prompt=..., corrupt_prompt=..., answer=..., "
    "counterfactual_answer=..., subject=...)"
)
_FACTS = "a FactSet: load_facts(name), FactSet.from_yaml(path) or FactSet.of([a FactPrompt, ...])"
_PROMPTS = "a PromptSet: load_prompts(name), PromptSet.from_yaml(path) or .from_templates(...)"
_LAYERS = "several layers, as [3] or range(3, 6)"


def check_given(
    function: Callable[..., Any], given: Sequence[Any], named: Mapping[str, Any]
) -> None:
    """Compare arguments with the signature, as far as its annotations are among the plain ones.

    Raises:
        ArgumentError: one is missing, unknown, or of another type.
    """
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*given, **named)
    except TypeError as error:
        taken = ", ".join(signature.parameters)
        raise ArgumentError(f"{function.__name__}({taken}): {error}") from None
    for name, value in bound.arguments.items():
        takes = _TAKES.get(str(signature.parameters[name].annotation))
        if takes is not None and not takes[0](value):
            said = repr(value) if isinstance(value, int | str) else f"a {type(value).__name__}"
            raise ArgumentError(
                f"{function.__name__}: {name} is {said}, and has to be {takes[1]}", about=name
            )


def _is_layers(value: object) -> bool:
    return value is None or (isinstance(value, Iterable) and not isinstance(value, str))


def _is_facts(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(one, FactPrompt) for one in value)


_TAKES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "ModelAdapter": (
        lambda value: callable(getattr(value, "run", None)),
        "a model under a backend: load_model(name), or the fixture adapter",
    ),
    "FactPrompt": (lambda value: isinstance(value, FactPrompt), _A_FACT),
    "FactSet": (lambda value: isinstance(value, FactSet), _FACTS),
    "FactPrompt | FactSet": (
        lambda value: isinstance(value, FactPrompt | FactSet),
        f"{_A_FACT}; or {_FACTS}",
    ),
    "Sequence[FactPrompt]": (_is_facts, "a list of FactPrompts, as facts.prompts of a FactSet is"),
    "PromptSet": (lambda value: isinstance(value, PromptSet), _PROMPTS),
    "Iterable[int] | None": (_is_layers, _LAYERS),
}
"""By the text of an annotation: whether a value is that, and what would be."""
