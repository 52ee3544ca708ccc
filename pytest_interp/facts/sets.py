"""Sets of facts. No torch here.

A set keeps, for every fact, the name of the template that its prompt was made from: prompts of
one template resemble one another, so intervals are taken over templates where there are several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pytest_interp.documents import Document, Location, read_document
from pytest_interp.errors import PromptError, UnknownNameError
from pytest_interp.facts.prompts import FactPrompt


@dataclass(frozen=True)
class Fact:
    """One fact of a set: its prompts, the name of their template, and an id."""

    id: str
    template: str
    prompt: FactPrompt


@dataclass(frozen=True)
class FactSet:
    """Facts that one claim is made about.

    Raises:
        PromptError: it is empty, two facts have the same id, or one stands in it twice.
    """

    name: str
    facts: tuple[Fact, ...]

    def __post_init__(self) -> None:
        if not self.facts:
            raise PromptError(f"the fact set {self.name!r} is empty: give it at least one fact")
        ids = [fact.id for fact in self.facts]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise PromptError(f"the fact set {self.name!r} has several facts with the ids {twice}")
        same = same_prompts(fact.prompt for fact in self.facts)
        if same:
            raise PromptError(f"the fact set {self.name!r} {same}")

    def __len__(self) -> int:
        return len(self.facts)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    @property
    def prompts(self) -> tuple[FactPrompt, ...]:
        """The prompts of the facts, in order."""
        return tuple(fact.prompt for fact in self.facts)

    @property
    def templates(self) -> tuple[str, ...]:
        """The names of the templates, in order of first use."""
        return tuple(dict.fromkeys(fact.template for fact in self.facts))

    def where(self, keep: Callable[[Fact], bool]) -> FactSet:
        """The facts for which ``keep`` is true."""
        return replace(self, facts=tuple(fact for fact in self.facts if keep(fact)))

    def take(self, n: int) -> FactSet:
        """The first ``n`` facts."""
        return replace(self, facts=self.facts[:n])

    @classmethod
    def of(
        cls, prompts: Iterable[FactPrompt], name: str = "facts", template: str | None = None
    ) -> Self:
        """Make a set from bare prompts.

        Facts get their number as id. Without ``template`` the template of a prompt is its text
        with the subject left out, so that prompts of one wording form one cluster.
        """
        facts = (
            Fact(str(i), template if template is not None else _wording(prompt), prompt)
            for i, prompt in enumerate(prompts)
        )
        return cls(name, tuple(facts))

    @classmethod
    def join(cls, name: str, sets: Iterable[FactSet]) -> Self:
        """One set of several; templates of different sets stay apart."""
        return cls(
            name,
            tuple(
                replace(fact, template=f"{one.name}/{fact.template}")
                for one in sets
                for fact in one
            ),
        )

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a facts file.

        Raises:
            SpecError: the file cannot be read, or is no facts file. The message has a line for
                each mistake, and each begins with file and line.
        """
        return cls.from_document(read_document(Path(path), MAX_BYTES))

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Make a set from the contents of a facts file.

        ``templates`` names texts with one ``{}`` for the subject. Each entry of ``facts`` has
        ``template``, ``subject``, ``answer``, ``other`` (the subject of the corrupt prompt) and
        ``other_answer``; ``id`` is optional.

        Raises:
            SpecError: as :meth:`from_yaml`.
        """
        found = list(_mistakes(document))
        if found:
            raise document.errors(found)
        data = document.data
        facts = tuple(_fact(entry, data["templates"]) for entry in data["facts"])
        try:
            return cls(data.get("name", document.path.stem), facts)
        except PromptError as error:
            raise document.error(("facts",), str(error)) from error


def same_prompts(prompts: Iterable[FactPrompt]) -> str | None:
    """What is wrong with facts of which two are the same pair of prompts; None if none are.

    A repeated fact adds to their number and nothing to what is known of them.
    """
    seen: dict[tuple[str, str | None], int] = {}
    for i, prompt in enumerate(prompts):
        pair = (prompt.clean_prompt, prompt.corrupt_prompt)
        if pair in seen:
            return (
                f"holds the same prompts twice, at {seen[pair]} and {i}: {pair[0]!r} against "
                f"{pair[1]!r}. Give each fact once"
            )
        seen[pair] = i
    return None


MAX_BYTES = 2 * 1024 * 1024
"""Of a facts file."""
_KEYS = ("name", "templates", "facts")
_FIELDS = ("template", "subject", "answer", "other", "other_answer")


def _mistakes(document: Document) -> Iterator[tuple[Location, str]]:
    """What makes a document no facts file, each with its place."""
    yield from _wrong_keys((), document.data, ("templates", "facts"), _KEYS)
    if not isinstance(document.data.get("name", ""), str):
        yield ("name",), _no_text("name", document.data["name"])
    templates, facts = document.data.get("templates", {}), document.data.get("facts", [None])
    if not isinstance(templates, dict):
        yield ("templates",), f"templates: expected a mapping of names to texts, got {templates!r}"
        templates = {}
    for name, text in templates.items():
        if not isinstance(text, str) or text.count("{}") != 1:
            yield ("templates", name), f"template {name!r} needs exactly one {{}}; got {text!r}"
    if not isinstance(facts, list) or not facts:
        yield ("facts",), f"facts: expected a list of at least one fact, got {facts!r}"
        return
    places: dict[str, Location] = {}
    for index, entry in enumerate(facts if "facts" in document.data else []):
        here: Location = ("facts", index)
        wrong = list(_wrong_entry(here, entry, templates))
        yield from wrong
        if not wrong and (first := places.setdefault(_id(entry), here)) != here:
            place = (*here, "id") if "id" in entry else here
            yield place, f"the id {_id(entry)!r} is that of the fact in {document.place(first)} too"


def _wrong_entry(
    here: Location, entry: Any, templates: Mapping[str, Any]
) -> Iterator[tuple[Location, str]]:
    if not isinstance(entry, dict):
        yield here, f"a fact is a mapping with {', '.join(_FIELDS)}; got {entry!r}"
        return
    yield from _wrong_keys(here, entry, _FIELDS, (*_FIELDS, "id"))
    for key in (*_FIELDS, "id"):
        if key in entry and not isinstance(entry[key], str):
            yield (*here, key), _no_text(key, entry[key])
    template = entry.get("template")
    if isinstance(template, str) and template not in templates:
        yield (*here, "template"), str(UnknownNameError.of("template", template, templates))


def _wrong_keys(
    here: Location, given: Mapping[str, Any], needed: Iterable[str], known: Iterable[str]
) -> Iterator[tuple[Location, str]]:
    unknown = [key for key in given if key not in known]
    for key in unknown:
        yield (*here, key), str(UnknownNameError.of("key", key, known))
    missing = [key for key in needed if key not in given]
    if missing and not unknown:  # else it is there, by a wrong name
        keys = ", ".join(map(repr, missing))
        yield (
            here,
            f"lacks {keys}: a facts file has 'templates' and 'facts'"
            if not here
            else (f"the fact lacks {keys}"),
        )


def _no_text(key: str, value: object) -> str:
    # YAML reads no, on, 1984 and 2020-01-01 as other things than text
    return f"{key}: expected text, got {value!r}: put it in quotes"


def _id(entry: Mapping[str, str]) -> str:
    made = f"{entry['template']}-{entry['subject']}-{entry['other']}".lower().replace(" ", "-")
    return entry.get("id", made)


def _fact(entry: Mapping[str, str], templates: Mapping[str, str]) -> Fact:
    text, subject, other = templates[entry["template"]], entry["subject"], entry["other"]
    prompt = FactPrompt(
        # a template may have further braces: it is no format string
        clean_prompt=text.replace("{}", subject),
        corrupt_prompt=text.replace("{}", other),
        answer=entry["answer"],
        counterfactual_answer=entry["other_answer"],
        subject=subject,
    )
    return Fact(_id(entry), entry["template"], prompt)


def _wording(prompt: FactPrompt) -> str:
    return prompt.clean_prompt.replace(prompt.subject, "{}") if prompt.subject else "prompt"
