"""Prompts with a label each: two or more classes between which a model may differ inside.

No torch here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_interp.errors import PromptError


@dataclass(frozen=True, kw_only=True)
class LabelledPrompt:
    """One prompt of one class."""

    id: str
    text: str
    label: str
    """Its class, as ``told``."""
    group: str
    """What it shares with prompts that are not independent of it, as the person that is asked for.
    No group is ever on both sides of a split."""
    template: str = "prompt"
    """The wording that it was made from."""
    answer: str | None = None
    """The next token that is right, where there is one; usually with a leading space."""


@dataclass(frozen=True)
class PromptSet:
    """Labelled prompts that one experiment runs on.

    Raises:
        PromptError: it is empty, two prompts have the same id, or two have the same text.
    """

    name: str
    prompts: tuple[LabelledPrompt, ...]
    abstain: tuple[str, ...] = ()
    """Next tokens by which a model says that it does not know, as ``" unknown"``."""
    chat: bool = False
    """Whether a prompt is what a user says: it goes through the tokenizer's chat template."""

    def __post_init__(self) -> None:
        if not self.prompts:
            raise PromptError(f"the prompt set {self.name!r} is empty: give it at least one prompt")
        for what in ("id", "text"):
            seen: dict[str, int] = {}
            for i, prompt in enumerate(self.prompts):
                value = getattr(prompt, what)
                if (first := seen.setdefault(value, i)) != i:
                    raise PromptError(
                        f"the prompt set {self.name!r} has the {what} {value!r} twice, at {first} "
                        f"and {i}: give each prompt once, with an id of its own"
                    )

    def __len__(self) -> int:
        return len(self.prompts)

    def __iter__(self) -> Iterator[LabelledPrompt]:
        return iter(self.prompts)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each prompt."""
        return tuple(prompt.label for prompt in self.prompts)

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each prompt."""
        return tuple(prompt.group for prompt in self.prompts)

    @property
    def templates(self) -> tuple[str, ...]:
        """The template of each prompt."""
        return tuple(prompt.template for prompt in self.prompts)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, each once, in the order of their first use."""
        return tuple(dict.fromkeys(self.labels))

    def of(self, label: str) -> PromptSet:
        """The prompts of one class.

        Raises:
            PromptError: there is no prompt of this class.
        """
        if label not in self.classes:
            raise PromptError(
                f"the prompt set {self.name!r} has no class {label!r}: its classes are "
                f"{', '.join(self.classes)}"
            )
        return self.where(lambda prompt: prompt.label == label)

    def where(self, keep: Callable[[LabelledPrompt], bool]) -> PromptSet:
        """The prompts for which ``keep`` is true."""
        return replace(self, prompts=tuple(prompt for prompt in self.prompts if keep(prompt)))

    def pick(self, indices: Sequence[int]) -> PromptSet:
        """The prompts at these indices."""
        return replace(self, prompts=tuple(self.prompts[i] for i in indices))

    def split(self, share: float = 0.5, seed: int = 0) -> tuple[PromptSet, PromptSet]:
        """Two parts that share no group, the first with about ``share`` of the groups.

        Groups that hold the same classes are divided in the same proportion.

        Raises:
            PromptError: a part would lack one of the classes.
        """
        held: dict[str, set[str]] = {}
        for prompt in self:
            held.setdefault(prompt.group, set()).add(prompt.label)
        alike: dict[frozenset[str], list[str]] = {}
        for group, labels in held.items():
            alike.setdefault(frozenset(labels), []).append(group)
        order = random.Random(seed)
        chosen: set[str] = set()
        for groups in alike.values():
            chosen |= set(order.sample(groups, round(share * len(groups))))
        inside = [i for i, group in enumerate(self.groups) if group in chosen]
        outside = [i for i, group in enumerate(self.groups) if group not in chosen]
        for part in (inside, outside):
            if {self.labels[i] for i in part} != set(self.classes):
                raise PromptError(
                    f"the prompt set {self.name!r} has too few groups to split with share "
                    f"{share}: a part would lack a class. Add groups, or take another share"
                )
        return self.pick(inside), self.pick(outside)

    def pair(self) -> tuple[str, str]:
        """The two classes, the first one being that which a probe scores high.

        Raises:
            PromptError: there are not exactly two.
        """
        if len(self.classes) != 2:
            raise PromptError(
                f"the prompt set {self.name!r} has the classes {', '.join(self.classes)}: two are "
                "compared. Choose them with where(), or label the others"
            )
        first, second = self.classes
        return first, second

    @staticmethod
    def from_templates(
        name: str,
        texts: Mapping[str, Mapping[str, str | Sequence[str]]],
        slots: Mapping[str, Sequence[str]],
        *,
        group: str,
        n_per_class: int,
        answers: Mapping[str, str] | None = None,
        abstain: Sequence[str] = (),
        chat: bool = False,
        seed: int = 0,
    ) -> PromptSet:
        """Draw prompts from texts with named slots.

        ``{person}`` takes a value of the slot ``person``; ``{person_2}`` takes another one. Over
        the prompts of a class each value of the group slot is used equally often, up to a
        remainder.
        Prompts of one number have the same values in every class, so that the classes differ only
        where their texts do. A brace of the text itself is written twice.

        Args:
            name: of the set.
            texts: class -> wording -> its text, or several of them that are used in turn, as for
                the place of what is asked for.
            slots: slot -> its values.
            group: the slot whose value is the group of a prompt; every text uses it.
            n_per_class: how many prompts are drawn of each class.
            answers: class -> the right next token, which may use slots, as ``" {city}"``.
            abstain: next tokens that say "I do not know".
            chat: whether a prompt goes through the chat template.
            seed: of all that is drawn.

        Raises:
            PromptError: a text or an answer uses no slot that there is, a slot has too few values,
                or there are too few different prompts.
        """
        from pytest_interp.facts.templates import Templates

        templates = Templates(
            texts=texts,
            slots=slots,
            group=group,
            n_per_class=n_per_class,
            answers=answers or {},
            seed=seed,
        )
        for location, problem in templates.problems():
            place = ".".join(map(str, location))
            raise PromptError(f"the templates of the prompt set {name!r}, {place}: {problem}")
        return PromptSet(name, templates.draw(), tuple(abstain), chat)

    @staticmethod
    def from_yaml(path: str | Path) -> PromptSet:
        """Read a prompts file.

        Raises:
            SpecError: the file cannot be read, or is no prompts file. The message has one line per
                mistake, which begins with file and line.
        """
        from pytest_interp.facts.promptfiles import read_prompts

        return read_prompts(Path(path))
