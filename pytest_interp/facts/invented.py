"""Known or invented: does the country exist whose capital is asked for? No torch here.

Each prompt lists four countries with their capitals, then asks for that of a fifth. In half of the
prompts this country is real, in the other half its name is invented. Each invented name stands for
a real one: it has as many letters and the same ending, and as many tokens for SmolLM2's tokenizer.
Names stand in quotes for that reason: after a space SmolLM2 has one token for every real country,
which no invented name can have. Gemma's tokenizer has one even so, and two or three for the
invented ones; and it is for no tokenizer that the tokens themselves are equally frequent. A claim
about these classes has to beat a probe at layer 0.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from pytest_interp.facts.labelled import LabelledPrompt, PromptSet

COUNTRIES = {
    "Afghanistan": ("Kabul", "Bornuristan"),
    "Austria": ("Vienna", "Plotria"),
    "Belgium": ("Brussels", "Volgium"),
    "Bulgaria": ("Sofia", "Brogaria"),
    "Chile": ("Santiago", "Trile"),
    "Cuba": ("Havana", "Muba"),
    "Denmark": ("Copenhagen", "Senmark"),
    "Finland": ("Helsinki", "Venland"),
    "Greece": ("Athens", "Lorece"),
    "Ireland": ("Dublin", "Druland"),
    "Jamaica": ("Kingston", "Temaica"),
    "Kenya": ("Nairobi", "Zunya"),
    "Netherlands": ("Amsterdam", "Brondelands"),
    "Norway": ("Oslo", "Verway"),
    "Peru": ("Lima", "Veru"),
    "Philippines": ("Manila", "Brandepines"),
    "Poland": ("Warsaw", "Meland"),
    "Portugal": ("Lisbon", "Sindugal"),
    "Scotland": ("Edinburgh", "Bolaland"),
    "Sweden": ("Stockholm", "Bloden"),
    "Syria": ("Damascus", "Noria"),
    "Tunisia": ("Tunis", "Vonisia"),
}
"""Real country -> its capital, and the invented name that is matched with it."""
EXAMPLES = {
    **{"France": "Paris", "Japan": "Tokyo", "China": "Beijing", "Russia": "Moscow"},
    **{"Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin", "Hungary": "Budapest"},
    **{"Egypt": "Cairo", "Iran": "Tehran", "Canada": "Ottawa", "Australia": "Canberra"},
}
"""Those that the lists name; none of them is asked for."""
WORDINGS = {
    "list": 'Country: "{country}". Capital:',
    "sentence": 'The capital of "{country}" is',
}
IN_A_LIST = 4


def known_or_invented(seed: int = 0) -> PromptSet:
    """Prompts that ask for the capital of every country and of every invented one, in each wording.

    A real country and its invented twin follow the same list, so that they are one group: no probe
    is scored on one whose twin it was fitted on.

    Args:
        seed: of the countries that the lists name.
    """
    rng = np.random.default_rng(seed)
    made = [
        prompt
        for country, wording in product(COUNTRIES, WORDINGS)
        for prompt in _pair(country, wording, rng)
    ]
    return PromptSet("known-or-invented", tuple(made), abstain=(" unknown",))


def _pair(
    country: str, wording: str, rng: np.random.Generator
) -> tuple[LabelledPrompt, LabelledPrompt]:
    asks = WORDINGS[wording]
    named = [str(name) for name in rng.permutation(list(EXAMPLES))[:IN_A_LIST]]
    shown = "".join(f"{asks.format(country=name)} {EXAMPLES[name]}.\n" for name in named)
    capital, invented = COUNTRIES[country]

    def asked(name: str, label: str, answer: str | None) -> LabelledPrompt:
        return LabelledPrompt(
            id=f"{name.lower()}-{wording}",
            text=shown + asks.format(country=name),
            label=label,
            group=country,
            template=wording,
            answer=answer,
        )

    return asked(country, "known", f" {capital}"), asked(invented, "invented", None)
