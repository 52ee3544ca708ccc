"""The words of a planted "told or not told" model, and the prompts that it is asked. No torch here.

A prompt states where some persons live and asks for one: "Note : Ana lives in Paris . Ben lives in
Rome . Where does Ana live ? Answer:". Words are separated by white space, as its tokenizer parts
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_interp.errors import PromptError
from pytest_interp.facts.labelled import LabelledPrompt, PromptSet
from pytest_interp.planted import vocabulary

TOLD, UNTOLD = "told", "untold"
PERSONS = (
    "Ana", "Ben", "Carl", "Dora", "Emil", "Fred", "Gina", "Hugo", "Iris", "Jack", "Kate", "Leo",
    "Mona", "Nils", "Olga", "Paul", "Rosa", "Sven", "Tina", "Uma", "Vera", "Wim", "Yara", "Zoe",
)  # fmt: skip
INVENTED = (
    "Arnok", "Blixa", "Cravu", "Dvorn", "Eshul", "Fimba", "Grolt", "Hyxen", "Ibrol", "Jorvu",
    "Kliph", "Lurza", "Mivok", "Nuxra", "Oltiq", "Pryss", "Quorb", "Rhaxi", "Skolv", "Tzuma",
    "Ulvex", "Vronk", "Wizup", "Yblor",
)  # fmt: skip
CITIES = vocabulary.CITIES
STOP, LAST_WORD, ABSTAIN = ".", "Answer:", "unknown"
DEFAULT_ANSWER = vocabulary.DEFAULT_ANSWER
WORDINGS = (
    ("{} lives in {} .", "Where does {} live ? Answer:"),
    ("{} has a home in {} .", "Which city is the home of {} ? Answer:"),
    ("{} moved to {} .", "Do we know where {} went ? Answer:"),
)
"""Statement and question. The person stands before the city, and is the last one to be named."""
NOTE, RECORDS, RUMOURS = "Note", "Records", "Rumours"
"""First words; the last two say how sure the statements are. A person may not come first: the first
token has only itself to attend to."""
RUMOURED = {TOLD: 0.4, UNTOLD: 0.6}
"""The share of each class that is told as rumours, where that is told at all."""


def filler_words() -> tuple[str, ...]:
    """Every word of the wordings that carries nothing."""
    words = {word for wording in WORDINGS for text in wording for word in text.split()}
    return tuple(sorted(words - {"{}", STOP, LAST_WORD} | {NOTE, ":"}))


@dataclass(frozen=True)
class Asking:
    """What the prompts of one model are drawn from."""

    persons: tuple[str, ...]
    cities: tuple[str, ...]
    invented: tuple[str, ...] = ()
    """Where there are any, nobody who is asked for was named, and those of class ``untold`` are
    these."""
    sources: bool = False
    """Each prompt begins with "Records :" or "Rumours :"."""

    def prompts(self, n: int, seed: int, statements: int = 3) -> PromptSet:
        """Draw ``n`` prompts, half of each class.

        They come in pairs, one told and one not, that differ in one name alone (and in the first
        word, where there are sources). Over the pairs, persons, wordings, the place of the
        statement in question and its city are each used equally often, up to a remainder.

        Raises:
            PromptError: ``n`` is odd or too small, or there are not so many different prompts.
        """
        if n < 2 or n % 2:
            raise PromptError(f"n is {n}: ask for an even number of prompts, half of each class")
        if not 1 <= statements <= min(4, len(self.cities), len(self.persons) - 2):
            raise PromptError(
                f"statements is {statements}; it must be 1 to 4, with a city each and at least two "
                f"more persons: there are {len(self.cities)} cities, {len(self.persons)} persons"
            )
        rng, pairs = np.random.default_rng(seed), n // 2

        def balanced(size: int) -> list[int]:
            return [int(i) for i in rng.permutation(np.arange(pairs) % size)]

        drawn = [
            balanced(k) for k in (len(self.persons), len(WORDINGS), statements, len(self.cities))
        ]
        sources = {label: self._sources(share, pairs, rng) for label, share in RUMOURED.items()}
        texts: set[str] = set()
        found: dict[str, list[LabelledPrompt]] = {TOLD: [], UNTOLD: []}
        for i, (person, wording, place, city) in enumerate(zip(*drawn, strict=True)):
            pair = self._pair(person, wording, place, city, statements, rng, texts)
            for label, (asked, text) in pair.items():
                texts.add(text)
                found[label].append(
                    LabelledPrompt(
                        id=f"{label}-{i}",
                        text=sources[label][i] + text,
                        label=label,
                        group=asked,
                        template=f"wording-{wording}",
                        answer=f" {self.cities[city]}"
                        if label == TOLD and not self.invented
                        else None,
                    )
                )
        return PromptSet(
            name="planted told or not told",
            prompts=(*found[TOLD], *found[UNTOLD]),
            abstain=(f" {ABSTAIN}",),
        )

    def _sources(self, share: float, n: int, rng: np.random.Generator) -> Sequence[str]:
        if not self.sources:
            return [f"{NOTE} : "] * n
        rumoured = rng.permutation(np.arange(n) < round(share * n))
        return [f"{RUMOURS if rumour else RECORDS} : " for rumour in rumoured]

    def _pair(
        self,
        person: int,
        wording: int,
        place: int,
        city: int,
        statements: int,
        rng: np.random.Generator,
        texts: set[str],
    ) -> dict[str, tuple[str, str]]:
        """Label -> (the person asked for, text), of two prompts that are not in ``texts``."""
        statement, question = WORDINGS[wording]
        asked = self.persons[person]
        for _ in range(1000):
            others = [name for name in (*self.persons, *self.invented) if name != asked]
            if self.invented:
                others.remove(self.invented[person])
            names = [str(name) for name in rng.permutation(others)[:statements]]
            cities = [str(c) for c in rng.permutation(np.delete(self.cities, city))[:statements]]
            cities[place] = self.cities[city]
            told = list(names)
            if not self.invented:
                told[place] = asked

            def text(named: list[str], who: str, where: list[str] = cities) -> str:
                said = (statement.format(n, c) for n, c in zip(named, where, strict=True))
                return " ".join((*said, question.format(who)))

            other = self.invented[person] if self.invented else asked
            pair = {TOLD: (asked, text(told, asked)), UNTOLD: (other, text(names, other))}
            if not any(found in texts for _, found in pair.values()):
                return pair
        raise PromptError(
            f"there are too few different prompts with {len(self.persons)} persons and "
            f"{len(self.cities)} cities: ask for fewer, or build the model with more of them"
        )
