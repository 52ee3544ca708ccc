"""The few numbers by which a result is known, and what its facts share."""

from dataclasses import replace

import pytest
from made_results import lens, lens_set, trace

from pytest_interp.results import Reading, TraceSet


def trace_set():
    one = trace()
    facts = [replace(one.fact, clean_prompt=f"{i} France is") for i in range(3)]
    traces = tuple(
        replace(trace(hand_off=layer), fact=fact)
        for layer, fact in zip((6, 7, 9), facts, strict=True)
    )
    return TraceSet(traces, ("plain", "plain", "city"), ("a", "b", "c"))


def test_a_trace_says_what_it_prefers_and_where_the_fact_moves():
    assert trace(hand_off=7).readings() == (
        Reading("preference", 5.0, "logits", "prefers ' Paris' to ' Tokyo'"),
        Reading("hand-off", 7, "layer"),
    )


def test_a_set_says_it_of_its_mean_and_median():
    preference, hand_off = trace_set().readings()
    assert (preference.value, preference.unit) == (5.0, "logits")
    assert hand_off == Reading("hand-off (median)", 7, "layer")


def test_a_lens_says_its_crossover_and_none_where_there_is_none():
    assert lens(crossover=8).readings()[1] == Reading("crossover", 8, "layer")
    assert lens(crossover=12).readings()[1].value is None
    assert lens_set(8, 9, 12).readings()[1].value == 2


def test_a_set_says_what_its_facts_share():
    shared = trace_set().shared()
    assert shared["templates"] == [("plain",), ("plain",), ("city",)]
    assert all("france" in entities for entities in shared["entities"])
    assert trace().shared() == {}


@pytest.mark.guarantee(
    "green",
    "`print(result)` says of which model a result is, and its main finding, in one line.",
    sees="LensResult of smollm2-135m under transformer_lens: top token from layer 29",
)
@pytest.mark.parametrize("result", [lens(), trace(), trace_set(), lens_set(5)])
def test_a_printed_result_is_one_line(result):
    said = str(result)
    assert said.startswith(f"{type(result).__name__} of {result.provenance.model} under ")
    assert said.endswith(f": {result.summary()}")
    assert result.summary()
    assert "\n" not in said
    assert "array(" in repr(result)  # which has every number
