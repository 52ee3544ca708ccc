"""The hand-off of SmolLM2-135M over 37 capitals, asked for in five wordings.

Claim: from layer 23 on the capital sits on the last token; before, on the country.

Why it matters: one prompt shows that a thing can happen, a set shows that it does. The same claim
is refused on a model whose weights were shuffled.

How: every capital is patched for itself and the claim is about the mean. The bound of its 95 %
interval, which counts by countries and by wordings, has to clear the threshold in every cell; the
facts have to agree on the place more than by chance; patching a run into itself, unrelated prompts
and shuffled weights have to show nothing.
"""

import pytest

from pytest_interp import assert_fact_localized, assert_handoff, load_facts, trace_facts
from pytest_interp.errors import ClaimInconclusive
from pytest_interp.experiments import shuffled_adapter, shuffled_control

pytestmark = pytest.mark.interp(model="smollm2-135m")

CAPITALS = load_facts("capitals")
LAYERS = range(20, 30)
"""Those around the hand-off; a patch costs only the layers above it."""


CONTROLS = {
    "identity patch",
    "unrelated pair",
    "shuffled weights",
    "whole state",
    "random regions, p-value",
}


def test_capitals_move_to_the_last_token_at_layer_23(adapter, trace, baseline):
    traces = trace(CAPITALS, layers=LAYERS)
    shuffled = shuffled_control(adapter, CAPITALS)
    verdict = assert_handoff(traces, "subject", "last", layer=23, controls=[shuffled])
    assert verdict.n_prompts >= 30
    assert {control.name for control in verdict.controls} == CONTROLS
    # the interval of the weakest cell keeps well clear of the threshold
    assert verdict.margin > 0.1
    baseline.check(traces)


def test_range_found_on_half_of_the_capitals_holds_on_the_others(trace):
    traces = trace(CAPITALS, layers=LAYERS)
    assert_fact_localized(traces, "resid_post@last", split=0.5)


@pytest.mark.interp(other_model=True)  # the claim is about the shuffled copy
def test_a_model_with_shuffled_weights_supports_no_such_claim(adapter):
    shuffled = shuffled_adapter(adapter)
    traces = trace_facts(shuffled, CAPITALS, layers=range(22, 25))
    with pytest.raises(ClaimInconclusive, match="The model knows"):
        assert_handoff(traces, "subject", "last", layer=23)
