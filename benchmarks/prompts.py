"""The facts of the benchmark: one prompt of each length, and a set."""

from __future__ import annotations

from itertools import islice, permutations

from pytest_interp import FactPrompt
from pytest_interp.adapters import ModelAdapter
from pytest_interp.facts.prompts import TokenizedFact, tokenize_fact

TEMPLATES = {
    5: "The capital of {} is",
    10: "The capital of {} is the famous old city of",
    33: (
        "The people of {} are proud of their country, of its history, its rivers and mountains, "
        "its food and its language, and of its capital, the city of"
    ),
    64: (
        "The people of {} are proud of their country, of its history, its rivers and mountains, "
        "its food and its language, of the poets and the painters who were born there, of the "
        "songs that their children learn in school and of the towns along its coast, and most of "
        "all of its capital, the city of"
    ),
}
"""By the number of tokens, for a country of one token. The first that differs is the fourth."""
CAPITALS = {
    "France": "Paris",
    "Japan": "Tokyo",
    "Germany": "Berlin",
    "Italy": "Rome",
    "Russia": "Moscow",
    "China": "Beijing",
    "Spain": "Madrid",
    "England": "London",
}


def fact_of(
    tokens: int, adapter: ModelAdapter, country: str = "France", other: str = "Japan"
) -> TokenizedFact:
    """A fact with a prompt of that many tokens."""
    template = TEMPLATES[tokens]
    asked = FactPrompt(
        clean_prompt=template.format(country),
        corrupt_prompt=template.format(other),
        answer=f" {CAPITALS[country]}",
        counterfactual_answer=f" {CAPITALS[other]}",
        subject=country,
    )
    fact = tokenize_fact(asked, adapter.tokenizer)
    if len(fact) != tokens:
        raise SystemExit(f"the prompt of {tokens} tokens has {len(fact)}: {fact.str_tokens}")
    return fact


def facts_of(count: int, tokens: int, adapter: ModelAdapter) -> list[TokenizedFact]:
    """So many different facts."""
    pairs = islice(permutations(CAPITALS, 2), count)
    return [fact_of(tokens, adapter, *pair) for pair in pairs]
