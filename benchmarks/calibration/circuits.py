"""The grid of planted circuits, and the cases of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.calibration.circuit_claims import circuit_claims
from benchmarks.calibration.circuit_oracle import CircuitOracle
from benchmarks.calibration.outcomes import decided
from benchmarks.calibration.told_oracle import ToldCase
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.facts.sets import FactSet
from pytest_interp.planted import (
    CircuitModel,
    planted_induction_model,
    planted_ioi_model,
    planted_two_step_model,
)

ARCHITECTURES = ("gpt2", "qwen3", "llama")
BUILDERS = {
    "induction": planted_induction_model,
    "ioi": planted_ioi_model,
    "two steps": planted_two_step_model,
}
VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("induction", {"n_facts": 12, "duplicate": True}),
    ("ioi", {}),
    ("ioi", {"backup": False, "first_layer": 2}),
    ("ioi", {"negative": False, "first_layer": 0, "n_names": 12}),
    ("two steps", {"through": "query"}),
    ("two steps", {"through": "key", "receiver_layer": 2}),
    ("two steps", {"through": "value", "sender_layer": 2}),
    ("two steps", {"through": "mlp"}),
    ("induction", {"n_facts": 12, "length": 16, "previous_layer": 0, "match_layer": 1}),
)


def _models() -> Iterator[dict[str, Any]]:
    pairs = itertools.product(VARIANTS, ARCHITECTURES)
    for seed, ((name, variant), arch) in enumerate(pairs):
        yield {"name": name, "arch": arch, "seed": seed} | variant


CIRCUIT_MODELS = tuple(_models())
"""Name of a builder, and its arguments, each time with a seed of its own."""
FACTS = 16
"""Of each model that has so many: from every template equally many."""


def circuit_cases_of(
    settings: dict[str, Any], backends: Sequence[str] | None = None, n_facts: int = FACTS
) -> list[ToldCase]:
    """All cases of one model, under both backends or those named."""
    asked = dict(settings)
    name = asked.pop("name")
    model: CircuitModel = BUILDERS[name](**asked)
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    oracle = CircuitOracle(model, _some_facts(model, n_facts))
    said = [str(v) for k, v in settings.items() if k in ("name", "through")]
    said += [f"without {k}" for k in ("backup", "negative") if settings.get(k) is False]
    blank = ToldCase("", settings["arch"], " ".join(said), "", False, "")
    found: list[ToldCase] = []
    for backend in backends or backend_names():
        one, adapter = replace(blank, backend=backend), open_adapter(weights, backend)
        found += decided(one, circuit_claims(oracle, adapter))
    return found


def _some_facts(model: CircuitModel, n: int) -> FactSet:
    templates = model.facts.templates[:n]
    each = n // len(templates)
    chosen = [
        fact
        for template in templates
        for fact in [one for one in model.facts if one.template == template][:each]
    ]
    return FactSet(model.facts.name, tuple(chosen))
