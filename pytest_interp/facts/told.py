"""Told or not told: does a text say where the person that it asks for lives? No torch here.

Each prompt shows four answered examples, then a scene and a question. In half of the prompts the
scene names the person that is asked for; in the other half it names others alone. Nothing else
tells the classes apart: people, cities, and the place of the person in the scene are balanced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from pytest_interp.facts.labelled import LabelledPrompt, PromptSet

PEOPLE = (
    *("Anna", "Ben", "Carl", "David", "Emma", "Frank", "George", "Henry", "Jack", "Kate"),
    *("Laura", "Mark", "Nick", "Oliver", "Paul", "Rachel", "Sarah", "Tom", "Victor", "William"),
)
EXAMPLE_PEOPLE = ("Alex", "Chris", "Daniel", "Eric", "Grace", "Helen", "Ian", "Julia")
CITIES = (
    *("Paris", "Rome", "Berlin", "Madrid", "London", "Vienna", "Dublin", "Prague"),
    *("Moscow", "Tokyo", "Cairo", "Boston", "Chicago", "Toronto", "Sydney", "Delhi"),
)
WORDINGS = {
    "lives": ("{person} lives in {city}.", "Where does {person} live?"),
    "home": ("The home of {person} is {city}.", "Which city is the home of {person}?"),
}
"""What a scene says of one person, and how it is asked for."""
UNKNOWN = "unknown"
IN_A_SCENE = 3
"""People that a scene names."""
EXAMPLES = (0, None, 2, None)
"""Which person of its scene each example asks for; None for one that it does not name."""


def told_or_not(n: int = 80, seed: int = 0) -> PromptSet:
    """Prompts of which half name the person that they ask for.

    They come in pairs, one told and one not, that differ in one name of the scene alone. Every
    person is asked for equally often in each wording; the place of the person goes round, and the
    city in that place is each of the cities equally often, up to a remainder. The group of a prompt
    is the person: no probe is scored on a person that it was fitted on.

    Args:
        n: how many prompts; it is rounded up to a multiple of 80, which is every person in both
            classes and both wordings.
        seed: of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    rounds = -(-n // (len(PEOPLE) * len(WORDINGS) * 2))
    asked = list(product(range(rounds), PEOPLE, WORDINGS))
    cities = [CITIES[i] for i in rng.permutation(np.arange(len(asked)) % len(CITIES))]
    made = [
        prompt
        for i, ((k, person, wording), city) in enumerate(zip(asked, cities, strict=True))
        for prompt in _pair(f"{person.lower()}-{wording}", k, person, wording, city, i, rng)
    ]
    return PromptSet("told-or-not", tuple(made), abstain=(f" {UNKNOWN}",))


def _pair(
    name: str, k: int, person: str, wording: str, city: str, index: int, rng: np.random.Generator
) -> Iterator[LabelledPrompt]:
    """The prompt that names the person, in the place that has this city, and the one that does not.

    Each place is as frequent as the others: it goes round with the index of the pair.
    """
    place = (index + k) % IN_A_SCENE
    others = [str(p) for p in rng.permutation([p for p in PEOPLE if p != person])][:IN_A_SCENE]
    cities = [str(c) for c in rng.permutation([c for c in CITIES if c != city])][:IN_A_SCENE]
    cities[place] = city
    examples = list(_examples(wording, rng))
    for label, who, answer in (("told", person, city), ("untold", others[place], UNKNOWN)):
        scene = [*others[:place], who, *others[place + 1 :]]
        yield LabelledPrompt(
            id=f"{name}-{label}-{k}",
            text="\n".join([*examples, _scene(wording, scene, cities, person)]),
            label=label,
            group=person,
            template=wording,
            answer=f" {answer}",
        )


def _examples(wording: str, rng: np.random.Generator) -> Iterator[str]:
    for asked in EXAMPLES:
        people = [str(p) for p in rng.permutation(EXAMPLE_PEOPLE)]
        cities = [str(c) for c in rng.permutation(CITIES)[:IN_A_SCENE]]
        scene = people[:IN_A_SCENE]
        person, answer = (people[-1], UNKNOWN) if asked is None else (scene[asked], cities[asked])
        yield f"{_scene(wording, scene, cities, person)} {answer}."


def _scene(wording: str, people: Sequence[str], cities: Sequence[str], asked: str) -> str:
    says, asks = WORDINGS[wording]
    told = (says.format(person=p, city=c) for p, c in zip(people, cities, strict=True))
    return " ".join([*told, asks.format(person=asked), "Answer:"])
