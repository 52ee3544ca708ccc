"""Facts files: what one holds, and a set of facts from it.

This module imports pydantic, so nothing imports it before a file is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from pytest_interp.documents import Document, Location, read_document, shown_key
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import Fact, FactSet
from pytest_interp.validation import nearest, validated

MAX_BYTES = 2 * 1024 * 1024
"""The largest facts file that is read."""
_CLOSED = ConfigDict(extra="forbid", strict=True)


def _one_gap(text: str) -> str:
    if (gaps := text.count("{}")) != 1:
        raise ValueError(f"a template needs {{}} exactly once, where the subject goes; got {gaps}")
    return text


def _known_template(name: str, info: ValidationInfo) -> str:
    if info.context is not None and name not in info.context:
        known = [shown_key(one, private=True) for one in info.context]
        raise ValueError(f"no template has this name: {nearest(name, known)}")
    return name


_Template = Annotated[
    str,
    AfterValidator(_one_gap),
    Field(json_schema_extra={"pattern": r"^((?!\{\})[\s\S])*\{\}((?!\{\})[\s\S])*$"}),
]


class FactEntry(BaseModel):
    """The keys of one fact."""

    model_config = _CLOSED

    template: Annotated[str, AfterValidator(_known_template)] = Field(
        description="the name of one of the templates"
    )
    subject: str = Field(description="goes into the template: the clean prompt")
    answer: str = Field(description="the next token of the clean prompt, usually ' Paris'")
    other: str = Field(description="goes into the template instead: the corrupt prompt")
    other_answer: str = Field(description="the next token of the corrupt prompt")
    id: str = Field(default="", description="by default template-subject-other")

    def fact(self, template: str) -> Fact:
        """The fact, of the text of its template."""
        made = f"{self.template}-{self.subject}-{self.other}".lower().replace(" ", "-")
        prompt = FactPrompt(
            # a template may have further braces: it is no format string
            clean_prompt=template.replace("{}", self.subject),
            corrupt_prompt=template.replace("{}", self.other),
            answer=self.answer,
            counterfactual_answer=self.other_answer,
            subject=self.subject,
        )
        return Fact(self.id or made, self.template, prompt)


class FactsFile(BaseModel):
    """The keys of a facts file."""

    model_config = _CLOSED | ConfigDict(title="pytest-interp facts")

    name: str = Field(default="", description="of the set; by default that of the file")
    templates: dict[str, _Template] = Field(
        description="names of texts, each with one {} for the subject"
    )
    facts: list[FactEntry] = Field(min_length=1, description="each fact once")


def read_facts(path: Path) -> FactSet:
    """The set of facts in a file: see :meth:`FactSet.from_yaml`.

    Its mistakes are told by keys and lines, never by values: a path may lead to any file.
    """
    document = read_document(path, MAX_BYTES, private=True)
    templates = document.data.get("templates")
    names = templates if isinstance(templates, dict) else None
    file = validated(
        document,
        (),
        FactsFile.model_json_schema(),
        lambda: FactsFile.model_validate(document.data, context=names),
    )
    facts = tuple(entry.fact(file.templates[entry.template]) for entry in file.facts)
    if repeated := list(_repeated(facts, document)):
        raise document.errors(repeated)
    return FactSet(file.name or path.stem, facts)


def _repeated(facts: Iterable[Fact], document: Document) -> Iterator[tuple[Location, str]]:
    """Facts with the prompts or the id of an earlier one, each with its place."""
    places: dict[object, Location] = {}
    for index, fact in enumerate(facts):
        here: Location = ("facts", index)
        pair = (fact.prompt.clean_prompt, fact.prompt.corrupt_prompt)
        for key, what, remedy in (
            (pair, "prompts", "give each fact once"),
            (fact.id, "id", "give it another"),
        ):
            if (first := places.setdefault(key, here)) != here:
                said = f"this fact has the {what} of the one in {document.place(first)}: {remedy}"
                yield (*here, "id"), said
                break
