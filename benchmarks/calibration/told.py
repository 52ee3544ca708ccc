"""The grid of planted "told or not told" models, and the cases of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.calibration.outcomes import decided
from benchmarks.calibration.told_claims import Questions
from benchmarks.calibration.told_oracle import ToldCase
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.planted import TOLD_VARIANTS, planted_told_model

ARCHITECTURES = ("gpt2", "qwen3", "llama")
LAYOUTS = ((3, 4, 6), (2, 6, 4), (4, 3, 6))
"""Layers that write the bit, read the city, and gate: in the second told prompts settle later."""

MANY_LAYERS = {"n_layers": 14, "read_layer": 2}
"""So many bring a share of the answer that none brings more than a third of its probability."""


def _models() -> Iterator[dict[str, Any]]:
    """Each variant on every architecture, each time with another layout, and a seed of its own."""
    pairs = itertools.product(enumerate(TOLD_VARIANTS), enumerate(ARCHITECTURES))
    for seed, ((i, variant), (j, arch)) in enumerate(pairs):
        layers = zip(("bit_layer", "read_layer", "gate_layer"), LAYOUTS[(i + j) % 3], strict=True)
        made = {"arch": arch, "variant": variant, "seed": seed, "n_persons": 24} | dict(layers)
        yield made | (MANY_LAYERS if variant == "gradual" else {})


TOLD_MODELS = tuple(_models())
"""Arguments of :func:`planted_told_model`."""


def told_cases_of(settings: dict[str, Any]) -> list[ToldCase]:
    """All cases of one model, under both backends."""
    model = planted_told_model(**settings)
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    questions = Questions.of(model)
    blank = ToldCase("", settings["arch"], settings["variant"], "", False, "")
    found: list[ToldCase] = []
    for backend in backend_names():
        one, adapter = replace(blank, backend=backend), open_adapter(weights, backend)
        found += decided(one, questions.claims(adapter))
    return found
