"""Control runs and the question which facts a model knows, on planted models."""

from functools import cache

import pytest

from pytest_interp import FactPrompt, FactSet, assert_handoff, known_facts, trace_facts
from pytest_interp.adapters import BACKENDS, Weights, open_adapter
from pytest_interp.claims import Status, check_handoff
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments import (
    cheap_controls,
    identity_control,
    shuffled_adapter,
    shuffled_control,
    unrelated_control,
)
from pytest_interp.planted import planted_model

UNRELATED = ("we heard that guide was built in", "we heard that tower was built in")


@cache
def planted(backend=BACKENDS[0], variant="basic"):
    model = planted_model("qwen3", n_layers=5, store_layer=1, read_layer=3, variant=variant)
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    facts = [fact for template in range(4) for fact in model.facts_in(template)]
    return FactSet.of(facts, "planted"), open_adapter(weights, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_controls_hold_and_are_named_in_the_verdict(backend):
    facts, adapter = planted(backend)
    traces = cheap_controls(adapter, trace_facts(adapter, facts))
    shuffled = shuffled_control(adapter, traces, facts)
    verdict = assert_handoff(traces, "subject", "last", 3, controls=[shuffled])
    names = [control.name for control in verdict.controls]
    assert names[0] == "identity patch"
    assert {"shuffled weights", "random regions, p-value", "whole state"} <= set(names)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
@pytest.mark.parametrize("site", ["resid_post", "mlp_out"])
def test_identity_patch_changes_nothing_but_a_real_one_does(site, direction):
    facts, adapter = planted()
    trace = trace_facts(adapter, facts.take(1), site, direction).traces[0]
    # equal rows of one batch: the same products in the same order, up to the last bits
    assert identity_control(adapter, trace).value < 1e-5
    assert trace.peak.effect > 0.9


def test_unrelated_pair_shows_little_and_has_to_fit_the_vocabulary():
    facts, adapter = planted()
    trace = trace_facts(adapter, facts.take(1)).traces[0]
    related = (trace.fact.clean_prompt, trace.fact.corrupt_prompt)
    # the fact's own pair is anything but unrelated: the control would see it
    assert not unrelated_control(adapter, trace, related).holds
    with pytest.raises(ExperimentError, match=r"give one as pair=\(a, b\)"):
        unrelated_control(adapter, trace, ("one two", "one two three"))


def test_shuffled_weights_support_no_claim():
    facts, adapter = planted()
    shuffled = shuffled_adapter(adapter)
    assert shuffled.weights.fingerprint != adapter.weights.fingerprint
    verdict = check_handoff(trace_facts(shuffled, facts), "subject", "last", 3)
    assert verdict.status is Status.INCONCLUSIVE


def test_known_facts_with_numbers_and_problems():
    facts, adapter = planted()
    good = facts.facts[0].prompt
    uneven = FactPrompt(good.clean_prompt, good.corrupt_prompt + " in", " Paris", " Rome")
    mixed = FactSet.of([good, uneven, *facts.prompts[1:3]])
    first, second, *rest = known_facts(adapter, mixed)
    assert first.known
    assert (first.rank, first.clean > 0, first.corrupt < 0) == (0, True, True)
    assert not second.known
    assert "differ in length" in second.problem
    assert all(one.known for one in rest)
    nothing, empty_adapter = planted(variant="unknown_fact")
    assert not any(one.known for one in known_facts(empty_adapter, nothing))
