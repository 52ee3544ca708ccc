"""Sets of facts. No torch here.

A set keeps the name of the template that each prompt was made from. Prompts of one template
resemble one another, and so do facts that share an entity: intervals count both.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

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
        PromptError: it is empty, two facts have the same id, or two have the same prompts.
    """

    name: str
    facts: tuple[Fact, ...]

    def __post_init__(self) -> None:
        if not self.facts:
            raise PromptError(f"the fact set {self.name!r} is empty: give it at least one fact")
        ids = [fact.id for fact in self.facts]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise PromptError(f"the fact set {self.name!r} has several facts with the ids {twice}")
        if same := same_prompts(self.prompts):
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

    def find(self, name: str) -> Fact:
        """The fact with this id.

        Raises:
            UnknownNameError: there is none; the message names the nearest.
        """
        by_id = {fact.id: fact for fact in self.facts}
        if name not in by_id:
            near = difflib.get_close_matches(name, by_id, n=3, cutoff=0.5) or list(by_id)[:3]
            raise UnknownNameError(
                f"there is no fact {name!r} among the {len(self)} of {self.name}. "
                f"The nearest: {', '.join(near)}"
            )
        return by_id[name]

    def where(self, keep: Callable[[Fact], bool]) -> FactSet:
        """The facts for which ``keep`` is true."""
        return replace(self, facts=tuple(fact for fact in self.facts if keep(fact)))

    def take(self, n: int) -> FactSet:
        """The first ``n`` facts."""
        return replace(self, facts=self.facts[:n])

    def pick(self, places: Iterable[int]) -> FactSet:
        """The facts at these places, in their order."""
        return replace(self, facts=tuple(self.facts[place] for place in places))

    @classmethod
    def of(
        cls, prompts: Iterable[FactPrompt], name: str = "facts", template: str | None = None
    ) -> Self:
        """Make a set from bare prompts.

        A fact's id is its number. Without ``template`` the template of a prompt is its text with
        the subject left out, so that prompts of one wording form one cluster.
        """
        facts = (
            Fact(str(i), _wording(prompt) if template is None else template, prompt)
            for i, prompt in enumerate(prompts)
        )
        return cls(name, tuple(facts))

    @classmethod
    def join(cls, name: str, sets: Iterable[FactSet]) -> Self:
        """One set of several; templates of different sets stay apart."""
        facts = (replace(f, template=f"{one.name}/{f.template}") for one in sets for f in one)
        return cls(name, tuple(facts))

    @staticmethod
    def from_yaml(path: str | Path) -> FactSet:
        """Read a facts file.

        ``templates`` names texts with one ``{}`` for the subject. Each entry of ``facts`` has
        ``template``, ``subject``, ``answer``, ``other`` (the subject of the corrupt prompt) and
        ``other_answer``; ``id`` is optional.

        Raises:
            SpecError: the file cannot be read, or is no facts file. The message has one line per
                mistake, which begins with file and line. It shows no values of the file.
        """
        from pytest_interp.facts.files import read_facts

        return read_facts(Path(path))


def same_prompts(prompts: Iterable[FactPrompt]) -> str | None:
    """What is wrong where two of the facts are the same pair of prompts; None if none are.

    A repeated fact raises their number, but adds no evidence.
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


def entities_of(prompt: FactPrompt) -> frozenset[str]:
    """What a fact is about: both subjects and both answers, without spaces and case.

    A fact and its mirror are about the same. The other subject is read off the corrupt prompt,
    where that is the clean one with another subject.
    """
    names = [prompt.answer, prompt.counterfactual_answer]
    if prompt.subject:
        names.append(prompt.subject)
        before, _, after = prompt.clean_prompt.partition(prompt.subject)
        other = prompt.corrupt_prompt or ""
        if other.startswith(before) and other.endswith(after):
            names.append(other[len(before) : len(other) - len(after)])
    return frozenset(name.strip().casefold() for name in names if name.strip())


def _wording(prompt: FactPrompt) -> str:
    return prompt.clean_prompt.replace(prompt.subject, "{}") if prompt.subject else "prompt"
