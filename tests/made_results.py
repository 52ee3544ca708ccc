"""Results made of plain numbers, for tests of what happens to results after they were computed."""

from dataclasses import replace

import numpy as np

from pytest_interp import FactPrompt
from pytest_interp.adapters.sites import parse_kind
from pytest_interp.options import TraceOptions
from pytest_interp.provenance import Provenance
from pytest_interp.results import LensResult, LensSet, TraceResult

MADE = Provenance(
    model="made",
    fingerprint="0123",
    source="tests",
    backend="transformer_lens",
    device="cpu",
    dtype="float32",
    attention="eager",
    bos="none",
    time="2026-01-01T00:00:00+00:00",
)
N_LAYERS = 12


def lens(crossover=8, shift=0.0, margin=2.0, **provenance):
    """The answer is on top from ``crossover`` on, there by ``margin``; probabilities shifted."""
    layers = np.arange(N_LAYERS)
    on_top = layers >= crossover
    answer_margin = np.where(on_top, 2.0 + layers / 10, -3.0 + layers / 10)
    if crossover < N_LAYERS:
        answer_margin[crossover] = margin
    return LensResult(
        prompt="The capital of France is",
        answer=" Paris",
        answer_id=7,
        position=4,
        str_tokens=("The", " capital", " of", " France", " is"),
        layers=tuple(range(N_LAYERS)),
        answer_prob=np.where(on_top, 0.8, 0.1) + shift,
        answer_rank=np.where(on_top, 0, 5),
        answer_margin=answer_margin,
        top_token=tuple(" Paris" if on else " the" for on in on_top),
        top_margin=np.abs(answer_margin),
        final_prob=0.8,
        n_layers=N_LAYERS,
        provenance=replace(MADE, **provenance),
    )


def lens_set(*crossovers, templates=None, **changes):
    """Lenses of prompts of their own, each on top from its layer on; named a, b, c ..."""
    made = tuple(
        replace(lens(crossover=layer, **changes), prompt=f"{i}", str_tokens=(f"{i}",))
        for i, layer in enumerate(crossovers)
    )
    ids = tuple("abcdefghijkl"[: len(made)])
    return LensSet(made, tuple(templates or ["plain"] * len(made)), ids)


def trace(hand_off=7, shift=0.0, tokens=5, direction="denoise", negative=0.0, **provenance):
    """The fact lies on token 3 until layer ``hand_off``, then on the last one."""
    recovery = np.full((N_LAYERS, tokens), shift)
    recovery[:hand_off, 3] += 1.0
    recovery[hand_off:, -1] += 1.0
    recovery[0, 0] -= negative
    recovery[1, 3] += 0.01  # one peak
    if direction == "noise":
        recovery = 1.0 - recovery
    words = ["The", " capital", " of", " France", *[" so"] * (tokens - 5), " is"]
    return TraceResult(
        fact=FactPrompt(
            clean_prompt="The capital of France is",
            corrupt_prompt="The capital of Japan is",
            answer=" Paris",
            counterfactual_answer=" Tokyo",
            subject="France",
        ),
        options=TraceOptions(direction=direction),
        layers=tuple(range(N_LAYERS)),
        str_tokens=tuple(words),
        corrupt_str_tokens=tuple(w.replace("France", "Japan") for w in words),
        corrupted_positions=(3,),
        subject_positions=(3,),
        clean_metric=5.0,
        corrupt_metric=-3.0,
        patched_metric=-3.0 + recovery * 8.0,
        provenance=replace(MADE, **provenance),
    )


def replaced(made, site="resid_post", **changes):
    """A trace with other values; its recovery follows from them."""
    return replace(made, options=replace(made.options, site=parse_kind(site)), **changes)
