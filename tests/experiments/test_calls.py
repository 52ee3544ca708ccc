"""Every call of an experiment goes through one place, whoever makes it."""

import pytest

from pytest_interp import causal_trace, logit_lens
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.experiments.calls import answering
from pytest_interp.experiments.registry import EXPERIMENTS
from pytest_interp.planted import planted_model
from pytest_interp.plugin.asked import RunOptions
from pytest_interp.plugin.calls import Trace
from pytest_interp.plugin.session import Models


@pytest.fixture(scope="module")
def planted():
    return planted_model("gpt2", n_layers=2)


@pytest.fixture(scope="module")
def adapter(planted):
    weights = Weights("planted", planted.module, planted.tokenizer, "planted")
    return open_adapter(weights, "transformer_lens")


def test_direct_calls_fixtures_and_specs_pass_the_same_place(adapter, planted):
    seen, fact = [], planted.facts[0]

    def answer(call, go_on):
        seen.append((call.experiment, call.adapter))
        return go_on(call)

    lens = EXPERIMENTS.find("logit_lens")
    with answering(answer):
        causal_trace(adapter, fact)
        causal_trace(adapter=adapter, fact=fact, controls=False)
        Trace(Models(RunOptions()), adapter, lambda result: None)(fact)
        lens.run(adapter, lens.config(fact=fact))
    assert seen == [(causal_trace, adapter)] * 3 + [(logit_lens, adapter)]
    logit_lens(adapter, fact.clean_prompt, fact.answer)
    assert len(seen) == 4


def test_the_last_to_come_answers_first_and_may_answer_alone(adapter):
    asked = []
    with (
        answering(lambda call, go_on: asked.append("first") or go_on(call)),
        answering(lambda call, go_on: asked.append("last") or call.given),
    ):
        assert logit_lens(adapter, "a", "b") == ("a", "b")
    assert asked == ["last"]


def test_a_call_without_a_model_says_what_is_missing():
    with pytest.raises(TypeError, match="adapter"):
        causal_trace()
