"""Control runs and the question which facts a model knows, on planted models."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from pytest_interp import FactPrompt, FactSet, assert_handoff, known_facts, trace_facts
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.claims import Status, check_handoff
from pytest_interp.errors import ClaimInconclusive, ExperimentError
from pytest_interp.experiments import (
    cheap_controls,
    control_runs,
    identity_control,
    shuffled_adapter,
    shuffled_control,
    unrelated_control,
)
from pytest_interp.planted import planted_model
from pytest_interp.results.known import unknown_because


@cache
def planted(backend="transformer_lens", variant="basic"):
    model = planted_model("qwen3", n_layers=5, store_layer=1, read_layer=3, variant=variant)
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    facts = [fact for template in range(4) for fact in model.facts_in(template)]
    return FactSet.of(facts, "planted"), open_adapter(weights, backend)


def unknown(fact):
    """The same prompts, asked for two answers that the model does not tell apart."""
    return FactPrompt(
        clean_prompt=fact.clean_prompt,
        corrupt_prompt=fact.corrupt_prompt,
        answer=" we",
        counterfactual_answer=" heard",
        subject=fact.subject,
    )


class Drifting:
    """An adapter under which equal rows of a batch do not stay equal."""

    def __init__(self, adapter):
        self.adapter = adapter

    def __getattr__(self, name):
        return getattr(self.adapter, name)

    def run(self, *args, **kwargs):
        found = self.adapter.run(*args, **kwargs)
        drift = torch.arange(len(found.logits)) / 10
        return replace(found, logits=found.logits * (1 + drift[:, None, None]))


@pytest.mark.parametrize("backend", backend_names())
def test_controls_hold_and_are_named_in_the_verdict(backend):
    facts, adapter = planted(backend)
    traces = cheap_controls(adapter, trace_facts(adapter, facts, controls=False))
    shuffled = shuffled_control(adapter, facts)
    verdict = assert_handoff(traces, "subject", "last", 3, controls=[shuffled])
    found = {control.name: control for control in verdict.controls}
    assert [*found] == [
        "identity patch",
        "unrelated pair",
        "shuffled weights",
        "whole state",
        "random regions, p-value",
    ]
    # in words that the model has, and in which it knows nothing
    assert found["unrelated pair"].value < 0.01
    assert "mean over 16 facts" in found["unrelated pair"].note


def test_one_trace_carries_its_controls():
    facts, adapter = planted()
    trace = cheap_controls(adapter, trace_facts(adapter, facts.take(1), controls=False).traces[0])
    names = [control.name for control in assert_handoff(trace, "subject", "last", 3).controls]
    assert names == ["identity patch", "unrelated pair", "whole state"]


@pytest.mark.parametrize("direction", ["denoise", "noise"])
@pytest.mark.parametrize("site", ["resid_post", "mlp_out"])
def test_identity_patch_changes_nothing_but_a_real_one_does(site, direction):
    facts, adapter = planted()
    trace = trace_facts(
        adapter, facts.take(1), site=site, direction=direction, controls=False
    ).traces[0]
    # equal rows of one batch: the same products in the same order, up to the last bits
    assert identity_control(adapter, trace).value < 1e-5
    # the largest effect; where two cells share it to the last bit there is no peak
    assert trace.effect.max() > 0.9


def test_identity_patch_sees_a_backend_that_mixes_rows_up():
    facts, adapter = planted()
    trace = trace_facts(adapter, facts.take(1), controls=False).traces[0]
    control = identity_control(Drifting(adapter), trace)
    assert not control.holds
    with pytest.raises(ClaimInconclusive, match="a control does not: identity patch"):
        assert_handoff(trace, "subject", "last", 3, controls=[control])


@pytest.mark.parametrize("metric", ["logit_diff", "answer_prob"])
def test_a_fact_that_the_model_does_not_know_takes_no_part_in_controls(metric):
    facts, adapter = planted()
    mixed = FactSet.of([unknown(facts.prompts[0]), *facts.prompts[1:]])
    traces = cheap_controls(adapter, trace_facts(adapter, mixed, metric=metric, controls=False))
    identity, unrelated = traces.controls
    assert identity.value < 1e-5
    assert unrelated.holds
    assert "mean over 15 facts" in unrelated.note


def test_unrelated_pairs_show_little_and_have_to_fit_the_vocabulary():
    facts, adapter = planted()
    trace = trace_facts(adapter, facts.take(1), controls=False).traces[0]
    related = (trace.fact.clean_prompt, trace.fact.corrupt_prompt)
    # the fact's own pair is anything but unrelated: the control would see it
    assert not unrelated_control(adapter, trace, [related]).holds
    uneven = [("we heard", "we heard that")]
    with pytest.raises(ExperimentError, match="no unrelated pair fits the tokenizer"):
        unrelated_control(adapter, trace, uneven)
    kept = cheap_controls(adapter, trace, uneven)
    verdict = assert_handoff(kept, "subject", "last", 3)
    assert "control: unrelated pair: not run, no unrelated pair fits" in str(verdict)
    assert verdict.to_json()["controls"][1]["value"] is None


def test_controls_of_facts_that_the_model_does_not_know_say_so():
    facts, adapter = planted()
    trace = trace_facts(adapter, FactSet.of([unknown(facts.prompts[0])]), controls=False).traces[0]
    kept = cheap_controls(adapter, trace)
    assert [control.value for control in kept.controls] == [None, None]
    assert "knows none of the facts" in str(check_handoff(kept, "subject", "last", 3))
    with pytest.raises(ExperimentError, match="knows none of the facts"):
        unrelated_control(adapter, trace)


def test_shuffled_weights_support_no_claim():
    facts, adapter = planted()
    shuffled = shuffled_adapter(adapter)
    assert shuffled.weights.fingerprint != adapter.weights.fingerprint
    verdict = check_handoff(trace_facts(shuffled, facts, controls=False), "subject", "last", 3)
    assert verdict.status is Status.INCONCLUSIVE


def test_shuffled_weights_that_still_know_the_facts_are_seen(monkeypatch):
    facts, adapter = planted()
    monkeypatch.setattr(control_runs, "shuffled_adapter", lambda adapter, seed: adapter)
    assert str(shuffled_control(adapter, facts)).startswith("shuffled weights: 1 is not <= 0.5")


def test_known_facts_with_numbers_and_problems():
    facts, adapter = planted()
    good = facts.facts[0].prompt
    uneven = FactPrompt(
        clean_prompt=good.clean_prompt,
        corrupt_prompt=good.corrupt_prompt + " in",
        answer=" Paris",
        counterfactual_answer=" Rome",
    )
    mixed = FactSet.of([good, uneven, *facts.prompts[1:3]])
    first, second, *rest = known_facts(adapter, mixed)
    assert first.known
    assert (first.rank, first.clean > 0, first.corrupt < 0) == (0, True, True)
    assert (first.top_token, first.reason) == (good.answer.strip(), None)
    assert not second.known
    assert "differ in length" in second.problem
    assert all(one.known for one in rest)
    nothing, empty_adapter = planted(variant="unknown_fact")
    assert not any(one.known for one in known_facts(empty_adapter, nothing))
    # what claims ask of traces is the same rule on the same numbers
    traces = trace_facts(empty_adapter, nothing, controls=False)
    for asked, traced in zip(known_facts(empty_adapter, nothing), traces, strict=True):
        assert asked.known is (unknown_because(traced) is None)
