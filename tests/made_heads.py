"""Attributions, patterns and scores of heads made of plain numbers, for tests of their claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_ablations import SPREAD
from made_facts import facts
from made_results import MADE

from pytest_interp.results import AttentionPatterns, Attribution, HeadScores

N_LAYERS, N_HEADS = 3, 4
COMPONENTS = (
    "embed",
    *(
        name
        for layer in range(N_LAYERS)
        for name in (
            *(f"head.{layer}.{head}" for head in range(N_HEADS)),
            f"bias.{layer}",
            f"mlp_out.{layer}",
        )
    ),
    "bias",
)


def attribution(adds, on_corrupt=None, spread=SPREAD, **changes):
    """Each component adds so much, up to a spread over facts; all others add nothing.

    After the corrupt prompts each adds as much against the answer, where nothing else is said.
    """
    n = len(spread)
    values = np.zeros((n, len(COMPONENTS)))
    corrupt = np.zeros_like(values)
    for name, value in adds.items():
        values[:, COMPONENTS.index(name)] = value + spread
        corrupt[:, COMPONENTS.index(name)] = (on_corrupt or {}).get(name, -value)
    made = Attribution(
        facts=facts(n),
        clean=values.sum(1),
        corrupt=corrupt.sum(1),
        components=COMPONENTS,
        contributions=values,
        on_corrupt=corrupt,
        provenance=MADE,
    )
    return replace(made, **changes)


TOKENS = ("The", " capital", " of", " land", " is")


def patterns(last_to_subject, spread=SPREAD, **changes):
    """Each head gives so much from the last token to the subject, up to a spread.

    All else goes to the first token. Heads that are not named look at all earlier tokens alike.
    """
    n, size = len(spread), len(TOKENS)
    even = np.tril(np.ones((size, size)))
    even /= even.sum(1, keepdims=True)
    made = np.tile(even, (n, N_LAYERS, N_HEADS, 1, 1))
    for name, value in last_to_subject.items():
        layer, head = (int(part) for part in name.split(".")[1:])
        row = np.zeros((n, size))
        row[:, 3], row[:, 0] = value + spread, 1 - value - spread
        made[:, layer, head, -1] = row
    asked = facts(n)
    found = AttentionPatterns(
        name="capitals",
        prompts=tuple(fact.clean_prompt for fact in asked.prompts),
        str_tokens=(TOKENS,) * n,
        layers=tuple(range(N_LAYERS)),
        patterns=tuple(made),
        facts=asked,
        subject_positions=((3,),) * n,
        clean=np.full(n, 4.0),
        corrupt=np.full(n, -4.0),
        provenance=MADE,
    )
    return replace(found, **changes)


def plain(found):
    """The same patterns, of prompts that are no facts."""
    return replace(found, facts=None, subject_positions=(), clean=None, corrupt=None)


def scores(at, control=0.02, spread=SPREAD):
    """Each head of a score reaches so much, up to a spread over sequences; all others nothing."""
    n = len(spread)

    def maps(of):
        found = np.full((n, N_LAYERS, N_HEADS), 0.01)
        for name, value in of.items():
            layer, head = (int(part) for part in name.split(".")[1:])
            found[:, layer, head] = value + spread
        return found

    nothing = np.full((n, N_LAYERS, N_HEADS), control)
    return HeadScores(
        n=n,
        length=20,
        seed=0,
        bos=False,
        layers=tuple(range(N_LAYERS)),
        induction=maps(at.get("induction", {})),
        previous_token=maps(at.get("previous_token", {})),
        duplicate_token=maps(at.get("duplicate_token", {})),
        induction_unrepeated=nothing,
        duplicate_token_unrepeated=nothing,
        two_back=nothing,
        provenance=MADE,
    )
