"""Prompts files: what one holds, and a set of labelled prompts from it.

This module imports pydantic, so nothing imports it before a file is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pytest_interp.documents import Document, Location, read_document
from pytest_interp.errors import PromptError
from pytest_interp.facts.labelled import LabelledPrompt, PromptSet
from pytest_interp.facts.templates import Templates
from pytest_interp.validation import validated

MAX_BYTES = 2 * 1024 * 1024
"""The largest prompts file that is read."""
_CLOSED = ConfigDict(extra="forbid", strict=True)


class PromptEntry(BaseModel):
    """The keys of one prompt."""

    model_config = _CLOSED

    text: str = Field(description="the prompt")
    label: str = Field(description="its class, as told")
    group: str = Field(description="what it shares with prompts that are not independent of it")
    template: str = Field(default="prompt", description="the wording that it was made from")
    answer: str | None = Field(default=None, description="the next token that is right, as ' Rome'")
    id: str = Field(default="", description="by default label-group-number")


class PromptTemplates(BaseModel):
    """The keys of prompts that are drawn: see :meth:`PromptSet.from_templates`."""

    model_config = _CLOSED

    texts: dict[str, dict[str, str | list[str]]] = Field(
        description="class -> wording -> its text with slots, as {person}; several are used in turn"
    )
    slots: dict[str, list[str]] = Field(
        description="slot -> its values; {person_2} takes another one than {person}"
    )
    group: str = Field(description="the slot whose value is the group of a prompt")
    n_per_class: int = Field(ge=1, description="how many prompts are drawn of each class")
    answers: dict[str, str] = Field(
        default_factory=dict, description="class -> the right next token, as ' {city}'"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="of all that is drawn")


class PromptsFile(BaseModel):
    """The keys of a prompts file."""

    model_config = _CLOSED | ConfigDict(
        title="pytest-interp prompts",
        json_schema_extra={"oneOf": [{"required": ["prompts"]}, {"required": ["from_templates"]}]},
    )

    name: str = Field(default="", description="of the set; by default that of the file")
    abstain: list[str] = Field(
        default_factory=list, description="next tokens that say 'I do not know', as ' unknown'"
    )
    chat: bool = Field(default=False, description="send each prompt through the chat template")
    prompts: list[PromptEntry] = Field(
        default_factory=list, min_length=1, description="each prompt once"
    )
    from_templates: PromptTemplates | None = Field(
        default=None, description="in place of prompts: texts with slots, from which they are drawn"
    )


def read_prompts(path: Path) -> PromptSet:
    """The set of prompts in a file: see :meth:`PromptSet.from_yaml`.

    Its mistakes are told by keys and lines, never by values: a path may lead to any file.
    """
    document = read_document(path, MAX_BYTES, private=True)
    file = validated(
        document,
        (),
        PromptsFile.model_json_schema(),
        lambda: PromptsFile.model_validate(document.data),
    )
    if bool(file.prompts) == bool(file.from_templates):
        raise document.error((), "give either prompts, or from_templates to draw them from")
    if file.from_templates is None:
        prompts = _listed(file.prompts)
        if repeated := list(_repeated(prompts, document)):
            raise document.errors(repeated)
    else:
        prompts = _drawn(file.from_templates, document)
    return PromptSet(file.name or path.stem, prompts, tuple(file.abstain), file.chat)


def _listed(entries: Sequence[PromptEntry]) -> tuple[LabelledPrompt, ...]:
    return tuple(
        LabelledPrompt(
            id=entry.id or f"{entry.label}-{entry.group}-{number}",
            text=entry.text,
            label=entry.label,
            group=entry.group,
            template=entry.template,
            answer=entry.answer,
        )
        for number, entry in enumerate(entries)
    )


def _drawn(given: PromptTemplates, document: Document) -> tuple[LabelledPrompt, ...]:
    templates = Templates(**given.model_dump(), private=True)
    here = "from_templates"
    if wrong := [((here, *place), problem) for place, problem in templates.problems()]:
        raise document.errors(wrong)
    try:
        return templates.draw()
    except PromptError as error:
        raise document.error((here, "n_per_class"), str(error)) from error


def _repeated(
    prompts: Sequence[LabelledPrompt], document: Document
) -> Iterator[tuple[Location, str]]:
    """Prompts with the text or the id of an earlier one, each with its place."""
    places: dict[tuple[str, str], Location] = {}
    for index, prompt in enumerate(prompts):
        here: Location = ("prompts", index)
        for key, value, remedy in (
            ("text", prompt.text, "give each prompt once"),
            ("id", prompt.id, "give it another"),
        ):
            if (first := places.setdefault((key, value), here)) != here:
                said = f"this prompt has the {key} of the one in {document.place(first)}: {remedy}"
                yield (*here, key), said
                break
