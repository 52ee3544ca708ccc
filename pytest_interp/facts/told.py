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

    Every person is asked for equally often in each class and each wording. The group of a prompt
    is the person: no probe is scored on a person that it was fitted on.

    Args:
        n: how many prompts; it is rounded up to a multiple of 80, which is every person in both
            classes and both wordings.
        seed: of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    rounds = -(-n // (len(PEOPLE) * 2 * len(WORDINGS)))
    made = [
        _prompt(f"{person.lower()}-{wording}-{told}-{k}", person, wording, told == "told", i, rng)
        for k in range(rounds)
        for i, (person, wording, told) in enumerate(product(PEOPLE, WORDINGS, ("told", "untold")))
    ]
    return PromptSet("told-or-not", tuple(made), abstain=(f" {UNKNOWN}",))


def _prompt(
    name: str, person: str, wording: str, told: bool, index: int, rng: np.random.Generator
) -> LabelledPrompt:
    others = [str(p) for p in rng.permutation([p for p in PEOPLE if p != person])]
    # the place of the person goes round, so that each place is as frequent as the others
    scene = others[:IN_A_SCENE]
    if told:
        scene[index // 2 % IN_A_SCENE] = person
    cities = [str(c) for c in rng.permutation(CITIES)[:IN_A_SCENE]]
    answer = cities[scene.index(person)] if told else UNKNOWN
    question = _scene(wording, scene, cities, person)
    text = "\n".join([*_examples(wording, rng), question])
    return LabelledPrompt(
        id=name,
        text=text,
        label="told" if told else "untold",
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
