"""Labelled prompts from texts with named slots. No torch here.

A slot ``{person}`` takes one of the values of that name, ``{person_2}`` another one of them. The
number of a prompt decides all its values, whatever its class: prompts of one number differ between
the classes only where the texts do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

import numpy as np

from pytest_interp.documents import Location, shown_key
from pytest_interp.errors import PromptError
from pytest_interp.facts.labelled import LabelledPrompt

Wordings = Mapping[str, str | Sequence[str]]
TRIES = 100
"""Draws for one prompt before its values are said to be too few."""


@dataclass(frozen=True, kw_only=True)
class Templates:
    """Texts by class and wording, and what their slots take."""

    texts: Mapping[str, Wordings]
    """Class -> wording -> its text, or several that are used in turn."""
    slots: Mapping[str, Sequence[str]]
    """Slot -> its values."""
    group: str
    """The slot whose value is the group of a prompt."""
    n_per_class: int
    answers: Mapping[str, str]
    """Class -> the right next token, which may use slots."""
    seed: int = 0
    private: bool = False
    """Whether messages may show nothing of the texts."""

    def draw(self) -> tuple[LabelledPrompt, ...]:
        """Every prompt, class by class.

        Over the prompts of a class each value of the group slot is used equally often, up to a
        remainder, and so are the wordings and the texts of each, over the values. The first draw
        of every other slot is balanced likewise.

        Raises:
            PromptError: there are too few values for so many different prompts.
        """
        n, rng = self.n_per_class, np.random.default_rng(self.seed)
        first = {name: _balanced(n, len(self.slots[name]), rng) for name in self.slots}
        order = rng.permutation(len(self.slots[self.group]))
        first[self.group] = [int(order[k % len(order)]) for k in range(n)]
        seen: set[str] = set()
        rows = [
            self._row(k, {name: order[k] for name, order in first.items()}, rng, seen)
            for k in range(n)
        ]
        return tuple(prompt for of_one_class in zip(*rows, strict=True) for prompt in of_one_class)

    def _row(
        self, k: int, first: dict[str, int], rng: np.random.Generator, seen: set[str]
    ) -> list[LabelledPrompt]:
        """The prompts number ``k`` of all classes, of the same values."""
        rounds, place = divmod(k, len(self.slots[self.group]))
        wordings = {label: list(of)[(place + rounds) % len(of)] for label, of in self.texts.items()}
        for attempt in range(TRIES):
            values = self._values(first if attempt == 0 else {self.group: first[self.group]}, rng)
            made = []
            for label, wording in wordings.items():
                texts, n = _several(self.texts[label][wording]), len(self.texts[label])
                text = texts[(place // n + rounds // n) % len(texts)]
                made.append(text.format(**values))
            if not seen & set(made) and len(set(made)) == len(made):
                seen.update(made)
                break
        else:
            raise PromptError(
                f"there are too few different prompts: {k} of {self.n_per_class} could be drawn of "
                "each class. Give the slots more values, ask for fewer, or see that the texts of "
                "the classes differ"
            )
        return [
            LabelledPrompt(
                id=f"{label}-{k}",
                text=text,
                label=label,
                group=values[self.group],
                template=wording,
                answer=self.answers[label].format(**values) if label in self.answers else None,
            )
            for (label, wording), text in zip(wordings.items(), made, strict=True)
        ]

    def _values(self, first: Mapping[str, int], rng: np.random.Generator) -> dict[str, str]:
        """A value for every use of a slot that there can be."""
        found = {}
        for name, given in self.slots.items():
            order = [int(i) for i in rng.permutation(len(given))]
            if name in first:
                order.remove(first[name])
                order.insert(0, first[name])
            drawn = enumerate((given[i] for i in order), 1)
            found.update({name if i == 1 else f"{name}_{i}": value for i, value in drawn})
        return found

    def problems(self) -> Iterator[tuple[Location, str]]:
        """What is wrong with them, each with its place: keys, and what to change."""
        if self.n_per_class < 1:
            yield ("n_per_class",), f"{self.n_per_class} prompts of a class: give at least 1"
        if not self.texts:
            yield ("texts",), "there is no class: give at least one, with its wordings"
        for name, values in self.slots.items():
            if not re.fullmatch(r"[^\W\d]\w*", name) or re.fullmatch(r".*_\d+", name):
                yield (
                    ("slots", name),
                    "the name of a slot is a word without a number at its end, which stands for "
                    "another draw: person, and person_2 in a text",
                )
            if not values or len(set(values)) < len(values):
                yield ("slots", name), "a slot needs at least one value, and each once"
        if self.group not in self.slots:
            yield ("group",), f"the group is no slot: give one of {self._slot_names()}"
        for label, wordings in self.texts.items():
            if not wordings:
                yield ("texts", label), "this class has no wording: give it one at least"
            for wording, given in wordings.items():
                where = ("texts", label, wording)
                if not _several(given):
                    yield where, "this wording has no text: give it one at least"
                for text in _several(given):
                    uses, wrong = self._uses(text)
                    yield from ((where, one) for one in wrong)
                    if not wrong and self.group in self.slots and self.group not in uses:
                        group = self._shown(self.group)
                        yield where, f"the text does not use the group slot: put {{{group}}} in it"
        for label, answer in self.answers.items():
            if label not in self.texts:
                yield ("answers", label), f"no class has this name: {self._names(self.texts)}"
            yield from ((("answers", label), one) for one in self._uses(answer)[1])

    def _uses(self, text: str) -> tuple[set[str], list[str]]:
        """The uses of slots in a text, and what is wrong with them."""
        try:
            parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
        except ValueError:
            return set(), ["the braces do not match: a brace of the text itself is written twice"]
        wrong, uses = [], set()
        for use, form, conversion in parts:
            name, number = self._parsed(use or "")
            if form or conversion or name not in self.slots:
                wrong.append(
                    f"{{{self._shown(use or '')}}} is no slot: give one of {self._slot_names()}, "
                    "or write a brace of the text itself twice"
                )
            elif number > len(self.slots[name]):
                wrong.append(
                    f"{{{self._shown(use or '')}}} needs {number} values of the slot "
                    f"{self._shown(name)}, which has {len(self.slots[name])}: give it more"
                )
            uses.add(use or "")
        return uses, wrong

    def _parsed(self, use: str) -> tuple[str, int]:
        found = re.fullmatch(r"(.+)_([2-9]|[1-9]\d{1,3})", use)
        return (found[1], int(found[2])) if found else (use, 1)

    def _slot_names(self) -> str:
        return self._names(self.slots)

    def _names(self, named: Mapping[str, object]) -> str:
        return ", ".join(map(self._shown, named)) or "none, as there is none yet"

    def _shown(self, name: str) -> str:
        return shown_key(name, self.private)


def _several(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _balanced(n: int, size: int, rng: np.random.Generator) -> list[int]:
    return [int(i) for i in rng.permutation(np.arange(n) % size)]
