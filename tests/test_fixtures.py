"""What the fixtures hand to a test."""

import pytest

from pytest_interp import FactSet, assert_handoff
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.planted import planted_model
from pytest_interp.plugin.asked import RunOptions
from pytest_interp.plugin.calls import Trace
from pytest_interp.plugin.session import Models

CHEAP = ["identity patch", "unrelated pair"]


@pytest.fixture(scope="module")
def planted():
    return planted_model("gpt2", n_layers=4)


@pytest.fixture(scope="module")
def trace(planted):
    weights = Weights("planted", planted.module, planted.tokenizer, "planted")
    adapter = open_adapter(weights, backend_names()[1])
    return Trace(Models(RunOptions()), adapter, lambda result: None)


def names(found):
    return [control.name for control in found.controls]


def test_trace_of_a_fact_and_of_a_set_carry_the_cheap_controls(trace, planted):
    one, several = trace(planted.facts[0]), trace(FactSet.of(planted.facts))
    assert names(one) == names(several) == CHEAP
    verdict = assert_handoff(one, "subject", "last", planted.parameters.read_layer)
    assert names(verdict)[:2] == CHEAP


def test_controls_can_be_left_out(trace, planted):
    assert names(trace(planted.facts[0], controls=False)) == []
    assert names(trace(FactSet.of(planted.facts), controls=False)) == []


def test_equal_calls_are_computed_once_controls_included(trace, planted):
    assert trace(planted.facts[0]) is trace(planted.facts[0])
    first, second = (trace(FactSet.of(planted.facts), site="mlp_out") for _ in range(2))
    assert all(a is b for a, b in zip(first.traces, second.traces, strict=True))
    assert all(a is b for a, b in zip(first.controls, second.controls, strict=True))
