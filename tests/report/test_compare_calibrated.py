"""How a comparison judges copies of a planted model whose difference is known."""

import copy
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
import torch
from made_runs import a_run, a_test

from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.claims import check_fact_localized, check_handoff
from pytest_interp.experiments import trace_facts
from pytest_interp.facts import Fact, FactSet
from pytest_interp.planted import planted_model
from pytest_interp.report.comparison.pairs import compare_runs
from pytest_interp.report.making import claim_record, result_record

JUDGED = pytest.mark.guarantee(
    "red",
    "Two checkpoints with the same weights never differ, a little noise on all weights is noise, "
    "and a removed mechanism is found.",
    sees="survives and within noise; breaks or undecided, and moved.",
)
COPIES = 4
"""Of each size of noise: seeds."""


@cache
def planted():
    return planted_model("llama", n_facts=12)


def run_on(change):
    """The claims of the mechanism and their facts, measured on a changed copy."""
    model = planted()
    module = copy.deepcopy(model.module)
    with torch.no_grad():
        change(module)
    adapter = open_adapter(Weights("planted", module, model.tokenizer, "planted"), "nnsight")
    facts = (
        Fact(f"{template}-{i}", str(template), prompt)
        for template in range(2)
        for i, prompt in enumerate(model.facts_in(template))
    )
    traces = trace_facts(adapter, FactSet("planted", tuple(facts)), controls=False)
    read = model.parameters.read_layer
    verdicts = [
        check_handoff(traces, "subject", "last", layer=read),
        check_fact_localized(traces, "resid_post@last", (read, model.parameters.n_layers - 1)),
    ]
    claims = [claim_record(verdict) for verdict in verdicts]
    outcome = "passed" if all(one.status == "passed" for one in claims) else "failed"
    record = result_record(traces, None, None, whole=True)
    return a_run(a_test("test_it", outcome, claims, [replace(record, figure=None)]))


@cache
def reference():
    return run_on(lambda module: None)


def compared(change):
    """What became of the claims, and how the numbers of the facts are judged."""
    found = compare_runs(reference(), run_on(change), ("planted", "copy"))
    shifts = [shift for result in found.results for shift in result.facts.shifts]
    return Counter(pair.fate for pair in found.claims), Counter(one.judged for one in shifts)


def noise(size, seed):
    def change(module):
        drawn = torch.Generator().manual_seed(seed)
        for weights in module.parameters():
            if weights.ndim == 2:
                weights += size * weights.std() * torch.randn(weights.shape, generator=drawn)

    return change


@JUDGED
def test_the_same_weights_are_the_same():
    fates, judged = compared(lambda module: None)
    assert fates == {"survives": 2}
    assert set(judged) == {"within noise"}


@JUDGED
def test_a_little_noise_is_noise_at_the_nominal_rate():
    found = [compared(noise(0.01, seed)) for seed in range(COPIES)]
    fates, judged = (sum(counts, Counter()) for counts in zip(*found, strict=True))
    assert fates == {"survives": 2 * COPIES}
    assert judged["moved"] <= 0.05 * judged.total(), judged
    assert judged["within noise"] >= 0.8 * judged.total(), judged


@JUDGED
@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_a_mechanism_that_is_removed_or_halved_is_found(strength):
    def damage(module):
        layer = module.model.layers[planted().parameters.read_layer]
        layer.self_attn.o_proj.weight *= strength

    fates, judged = compared(damage)
    assert judged["moved"] >= 1
    if strength == 0.0:
        assert fates["survives"] == fates["drifts"] == 0
