"""Prompts files: what one holds, and a set of labelled prompts from it.

This module imports pydantic, so nothing imports it before a file is read.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pytest_interp.documents import read_document
from pytest_interp.errors import InterpError
from pytest_interp.facts.labelled import LabelledPrompt, PromptSet
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


class PromptsFile(BaseModel):
    """The keys of a prompts file."""

    model_config = _CLOSED | ConfigDict(title="pytest-interp prompts")

    name: str = Field(default="", description="of the set; by default that of the file")
    abstain: list[str] = Field(
        default_factory=list, description="next tokens that say 'I do not know', as ' unknown'"
    )
    chat: bool = Field(default=False, description="send each prompt through the chat template")
    prompts: list[PromptEntry] = Field(min_length=1, description="each prompt once")


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
    prompts = tuple(
        LabelledPrompt(
            id=entry.id or f"{entry.label}-{entry.group}-{number}",
            text=entry.text,
            label=entry.label,
            group=entry.group,
            template=entry.template,
            answer=entry.answer,
        )
        for number, entry in enumerate(file.prompts)
    )
    try:
        return PromptSet(file.name or path.stem, prompts, tuple(file.abstain), file.chat)
    except InterpError as error:
        raise document.error(("prompts",), "two prompts have one id, or one text") from error
