"""Ablations and circuits made of plain numbers, for tests of what is claimed of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_facts import facts
from made_results import MADE

from pytest_interp.results.ablations import Ablations
from pytest_interp.results.circuit import CircuitResult

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


def made_circuit(kept=3.6, none=0.0, complete=0.1, removal=(1.0, -0.8), random=0.2, **changes):
    """A circuit of two heads that keeps so much of 4.0 logits.

    Without its subsets it and the model differ by ``complete``; each component changes it by
    ``removal``; random circuits keep ``random``.
    """
    n = len(SPREAD)
    keep = ("head.1.0", "head.2.3")
    before = np.tile((kept + SPREAD)[:, None], (1, 2))
    return CircuitResult(
        facts=facts(n),
        clean=np.full(n, 4.0),
        corrupt=np.full(n, -4.0),
        keep=keep,
        n_nodes=40,
        kept=kept + SPREAD,
        none=np.full(n, none),
        subset_names=("the circuit", "sample 1"),
        subsets=(keep, keep[:1]),
        circuit_without=np.full((n, 2), 1.0) + SPREAD[:, None],
        model_without=np.full((n, 2), 1.0) + np.array([complete, -complete]),
        removed=keep,
        minimal_with=((), ("head.1.0",)),
        before_removal=before,
        after_removal=before - np.array(removal) + SPREAD[:, None],
        random_circuits=tuple((f"head.0.{i}", f"head.3.{i}") for i in range(5)),
        random_kept=np.full((n, 5), random),
        how={"ablation": "mean", "positions": "all", "over_positions": False, "seed": 0},
        reference=("The capital of land0 is",),
        **{"provenance": MADE, **changes},
    )
