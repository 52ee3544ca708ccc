"""Ablations and circuits made of plain numbers, for tests of what is claimed of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_results import MADE

from pytest_interp import FactPrompt, FactSet
from pytest_interp.results.ablations import Ablations


def facts(n):
    """Facts about different things, in one wording."""
    prompts = [
        FactPrompt(
            clean_prompt=f"The capital of land{i} is",
            corrupt_prompt=f"The capital of shore{i} is",
            answer=f" city{i}",
            counterfactual_answer=f" port{i}",
            subject=f"land{i}",
        )
        for i in range(n)
    ]
    return FactSet.of(prompts, "capitals", "plain")


SPREAD = np.array([0.1, -0.1, 0.05, -0.05, 0.08, -0.08, 0.02, -0.02])


def ablations(drops, clean=4.0, random=0.1, spread=SPREAD, **provenance):
    """Each component lowers the metric by so much, up to a spread over facts.

    Random heads lower it by ``random``.
    """
    n = len(spread)
    names = tuple(drops)
    random_members = tuple((f"head.{layer}.7",) for layer in range(6))
    return Ablations(
        facts=facts(n),
        clean=np.full(n, clean),
        corrupt=np.full(n, -clean),
        what=names,
        members=tuple((name,) if "." in name else ("head.0.1", "head.2.3") for name in names),
        ablated=np.stack([clean - drop + spread for drop in drops.values()], axis=1),
        how={"ablation": "mean", "positions": "all", "over_positions": False, "seed": 0},
        reference=("The capital of land0 is",),
        random_members=random_members,
        random_ablated=np.full((n, len(random_members)), clean - random),
        provenance=replace(MADE, **provenance),
    )
