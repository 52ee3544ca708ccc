"""Sets of facts. No torch here.

A set keeps, for every fact, the name of the template that its prompt was made from: prompts of
one template resemble one another, so intervals are taken over templates where there are several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pytest_interp.errors import PromptError, SpecError
from pytest_interp.prompts import FactPrompt


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
        PromptError: it is empty, or two facts have the same id.
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
        """Read a fact file.

        Raises:
            SpecError: the file cannot be read, or is no fact file; the message names the place.
        """
        import yaml

        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as problem:
            raise SpecError(f"cannot read the fact file {path}: {problem}") from problem
        return cls.from_data(data, str(path))

    @classmethod
    def from_data(cls, data: Any, where: str = "facts") -> Self:
        """Make a set from the contents of a fact file.

        ``templates`` names texts with one ``{}`` for the subject. Each entry of ``facts`` has
        ``template``, ``subject``, ``answer``, ``other`` (the subject of the corrupt prompt) and
        ``other_answer``; ``id`` is optional.

        Raises:
            SpecError: something is missing or of the wrong kind.
        """
        if not isinstance(data, Mapping) or not {"templates", "facts"} <= data.keys():
            raise SpecError(f"{where}: a fact file is a mapping with 'templates' and 'facts'")
        templates = data["templates"]
        for name, text in templates.items():
            if not isinstance(text, str) or text.count("{}") != 1:
                raise SpecError(f"{where}: template {name!r} needs exactly one {{}}; got {text!r}")
        facts = tuple(
            _fact(entry, templates, f"{where}: fact {i}") for i, entry in enumerate(data["facts"])
        )
        return cls(str(data.get("name", Path(where).stem)), facts)


_FIELDS = ("template", "subject", "answer", "other", "other_answer")


def _fact(entry: Any, templates: Mapping[str, str], where: str) -> Fact:
    if not isinstance(entry, Mapping):
        raise SpecError(f"{where} is no mapping with {', '.join(_FIELDS)}: {entry!r}")
    unknown, missing = entry.keys() - {*_FIELDS, "id"}, set(_FIELDS) - entry.keys()
    if unknown or missing:
        raise SpecError(f"{where} lacks {sorted(missing)}, does not take {sorted(unknown)}")
    values = {name: str(entry[name]) for name in _FIELDS}
    if values["template"] not in templates:
        raise SpecError(
            f"{where} uses the template {values['template']!r}; known are {sorted(templates)}"
        )
    text, subject, other = templates[values["template"]], values["subject"], values["other"]
    prompt = FactPrompt(
        clean_prompt=text.format(subject),
        corrupt_prompt=text.format(other),
        answer=values["answer"],
        counterfactual_answer=values["other_answer"],
        subject=subject,
    )
    made = f"{values['template']}-{subject}-{other}".lower().replace(" ", "-")
    return Fact(str(entry.get("id", made)), values["template"], prompt)


def _wording(prompt: FactPrompt) -> str:
    return prompt.clean_prompt.replace(prompt.subject, "{}") if prompt.subject else "prompt"
