"""Told or not told: SmolLM2 holds whether a text names the person that it asks for.

Readable, used and useful are three things. What this model holds can be read from layer 14 on; at
the layer where it is read best, adding it moves the answer no more than random directions do; and
whether it was told does not change when the model settles on what it says.
"""

import pytest

from pytest_interp import (
    assert_commits_later,
    assert_decodable,
    assert_dose_response,
    assert_sharpens_gradually,
    class_direction,
    load_prompts,
    probe,
    steer,
    trajectories,
)
from pytest_interp.errors import ClaimFailed, ClaimInconclusive

pytestmark = pytest.mark.interp(model="smollm2-135m")

PROMPTS = load_prompts("told-or-not")


def test_whether_it_was_told_can_be_read(adapter, baseline):
    found = probe(adapter, PROMPTS)
    assert_decodable(found, auroc_at_least=0.85, above=0.1)
    baseline.check(found)


def test_what_it_says_comes_at_the_end_and_at_once(adapter, baseline):
    curves = trajectories(adapter, PROMPTS)
    with pytest.raises(ClaimFailed, match="layers later"):
        assert_commits_later(curves, label="untold", than="told", by_layers=1)
    with pytest.raises(ClaimFailed, match="layers later"):
        assert_commits_later(curves, label="told", than="untold", by_layers=1)
    with pytest.raises(ClaimFailed, match="rise"):
        assert_sharpens_gradually(curves, label="told")
    baseline.check(curves)


def test_what_is_read_best_at_layer_16_is_not_used_there(adapter):
    fitted, tried = PROMPTS.split()
    steered = steer(adapter, tried, class_direction(adapter, fitted, 16), doses=(-2, 2, 4))
    # untold minus told would have to raise the log-odds of abstaining
    with pytest.raises((ClaimFailed, ClaimInconclusive)):
        assert_dose_response(steered, rising=True)
    with pytest.raises((ClaimFailed, ClaimInconclusive)):
        assert_dose_response(steered, rising=False)
