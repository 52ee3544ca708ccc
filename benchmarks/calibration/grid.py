"""The grid of planted models, and the run over it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import torch

from benchmarks.calibration.circuits import CIRCUIT_MODELS, circuit_cases_of
from benchmarks.calibration.claims import claims_of_a_backend, claims_of_agreement
from benchmarks.calibration.oracle import Case
from benchmarks.calibration.outcomes import CaseT, decided
from benchmarks.calibration.told import TOLD_MODELS, told_cases_of
from benchmarks.calibration.told_oracle import ToldCase
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.planted import PlantedModel, planted_model

ARCHITECTURES = ("gpt2", "qwen3", "llama")
FACTS = 6
"""In each template: three and their mirrors, so that any half of them is about several entities."""
PLACES = ((4, 0, 2), (6, 1, 4), (8, 2, 5))
"""Depth, store layer and read layer."""
VARIANTS: tuple[dict[str, Any], ...] = (
    {"variant": "basic"},
    {"variant": "basic", "subject_tokens": 2},
    {"variant": "basic", "contrast": "unknown"},
    {"variant": "stored_twice", "contrast": "unknown"},
    {"variant": "stored_twice"},
    {"variant": "split"},
    {"variant": "backup_head"},
    {"variant": "distractor_mlp"},
    {"variant": "unknown_fact"},
    {"variant": "shuffled_weights"},
)
MODELS: tuple[dict[str, Any], ...] = tuple(
    {
        "arch": arch,
        "n_layers": depth,
        "store_layer": store,
        "read_layer": read,
        "n_facts": FACTS,
        "seed": seed,
    }
    | variant
    for seed, (variant, arch, (depth, store, read)) in enumerate(
        itertools.product(VARIANTS, ARCHITECTURES, PLACES)
    )
)
"""Arguments of :func:`planted_model`, each with a seed of its own."""


def calibrate(share: int = 1, workers: int = 1) -> list[Case]:
    """Run the grid, or every ``share``-th model of it, under both backends."""
    return _run(cases_of, MODELS[::share], workers)


def calibrate_told(share: int = 1, workers: int = 1) -> list[ToldCase]:
    """The same of claims about labelled prompts."""
    return _run(told_cases_of, TOLD_MODELS[::share], workers)


def calibrate_circuits(share: int = 1, workers: int = 1) -> list[ToldCase]:
    """The same of claims about heads, components, paths and circuits."""
    return _run(circuit_cases_of, CIRCUIT_MODELS[::share], workers)


def _run(
    cases: Callable[[dict[str, Any]], list[CaseT]],
    chosen: Sequence[dict[str, Any]],
    workers: int,
) -> list[CaseT]:
    if workers == 1:
        return list(itertools.chain.from_iterable(map(cases, chosen)))
    # a fresh interpreter each: a forked torch may hang; and a share of the cores each: small
    # products on more threads than there are cores crawl
    threads = max(1, (os.cpu_count() or 1) // workers)
    with ProcessPoolExecutor(
        workers, get_context("spawn"), torch.set_num_threads, (threads,)
    ) as pool:
        return list(itertools.chain.from_iterable(pool.map(cases, chosen)))


def cases_of(settings: dict[str, Any]) -> list[Case]:
    """All cases of one model."""
    planted = _built(settings)
    weights = Weights("planted", planted.module, planted.tokenizer, "planted")
    adapters = [open_adapter(weights, backend) for backend in backend_names()]
    words = [str(settings[k]) for k in ("variant", "subject_tokens", "contrast") if k in settings]
    blank = Case("", settings["arch"], " ".join(words), "", False, "")
    found: list[Case] = []
    for backend, adapter in zip(backend_names(), adapters, strict=True):
        one = replace(blank, backend=backend)
        found += decided(one, claims_of_a_backend(planted, adapter))
    both = replace(blank, backend="both")
    return [*found, *decided(both, claims_of_agreement(planted, *adapters))]


def _built(settings: dict[str, Any]) -> PlantedModel:
    """The planted model; one that was shuffled is drawn anew while it answers right by chance.

    What a claim says of its lens could be true then. Asked of the Hugging Face model alone.
    """
    for again in itertools.count():
        planted = planted_model(**settings | {"seed": settings["seed"] + 1000 * again})
        if settings["variant"] != "shuffled_weights":
            return planted
        fact = planted.facts[0]
        encoded = planted.tokenizer(fact.clean_prompt, return_tensors="pt")
        with torch.no_grad():
            top = planted.module(encoded.input_ids).logits[0, -1].argmax()
        if planted.tokenizer.decode([int(top)]).strip() != fact.answer.strip():
            return planted
    raise AssertionError("every model answers right")
