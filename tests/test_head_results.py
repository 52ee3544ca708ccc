"""Results of heads as JSON: compact, with the axes that they say and what decides a finding."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_heads import attribution, patterns, plain, scores

from pytest_interp.errors import ClaimError, ExperimentError
from pytest_interp.experiments.component_configs import DirectLogitAttribution, ReadAttention
from pytest_interp.results import AttentionPatterns, HeadScores

ADDS = attribution({"head.2.1": 3.0, "head.2.2": -1.0, "mlp_out.1": 2.0})
LOOKS = patterns({"head.1.2": 0.7, "head.0.3": 0.3})
SCORES = scores({"induction": {"head.1.2": 0.8}, "previous_token": {"head.0.1": 0.7}})
RESULTS = {"attribution": ADDS, "facts": LOOKS, "prompts": plain(LOOKS), "scores": SCORES}


@pytest.mark.parametrize("name", RESULTS)
def test_every_array_has_the_axes_that_it_says(name):
    result = RESULTS[name]
    said = json.loads(json.dumps(result.to_json()))
    for field, axes in result.axes().items():
        if field in said:
            assert np.shape(said[field]) == tuple(len(said[axis.labels]) for axis in axes), field
    for field, decision in result.findings().items():
        assert {field, decision.by} <= said.keys()
    for field in result.tolerances().keys() & said.keys():
        value = said[field]
        values = list(value.values()) if isinstance(value, dict) else value
        assert np.array(values).dtype.kind == "f", field
    assert "made" not in said, "no provenance"


def test_a_map_of_any_length_of_prompt_is_as_large():
    """A baseline holds numbers by head, and not every pattern."""
    numbers = [np.size(value) for value in LOOKS.to_json().values()]
    assert max(numbers) == len(LOOKS.layers) * LOOKS.n_heads
    numbers = [np.size(value) for value in SCORES.to_json().values()]
    assert max(numbers) == len(SCORES.layers) * SCORES.n_heads


def test_they_say_what_they_found():
    assert ADDS.summary() == (
        "+4.00 logits of 8 facts (mean), the most by head.2.1 +3.00, mlp_out.1 +2.00, "
        "head.2.2 -1.00"
    )
    assert ADDS.to_json()["largest"] == "head.2.1"
    assert ADDS.to_json()["largest_leads_by"] == pytest.approx(1.0, abs=0.01)
    assert "at the subject in head.1.2: 0.70 in 8 prompts (mean)" in LOOKS.summary()
    assert SCORES.summary() == (
        "at 0.4 or more, 1 induction heads, the highest head.1.2; 1 previous-token heads, the "
        "highest head.0.1; 0 duplicate-token heads, the highest head.0.0"
    )
    readings = {one.name: one.value for r in (ADDS, LOOKS, SCORES) for one in r.readings()}
    assert readings["of it by head.2.1"] == pytest.approx(3.0, abs=0.01)
    assert readings["from the last token to the subject, by head.1.2"] == pytest.approx(
        0.7, abs=0.01
    )
    assert readings["induction heads"] == 1


def test_of_numbers_that_are_none_something_is_said_all_the_same():
    nothing = np.full_like(SCORES.induction, np.nan)
    found = HeadScores(**{**vars(SCORES), "induction": nothing})
    assert "0 induction heads, the highest none" in found.summary()
    looks = patterns({}, patterns=tuple(np.full_like(p, np.nan) for p in LOOKS.patterns))
    assert "nan in 8 prompts" in looks.summary()
    assert np.isnan(looks.readings()[0].value)


def test_arrays_of_another_shape_are_refused():
    with pytest.raises(ClaimError, match=r"3 layers and 5 tokens need \(3, 4, 5, 5\)"):
        patterns({}, patterns=tuple(p[..., :4] for p in LOOKS.patterns))
    with pytest.raises(ClaimError, match="contributions of a Attribution is"):
        attribution({}, components=("embed",))
    with pytest.raises(ClaimError, match=r"is \[sequence, layer, head\]"):
        HeadScores(**{**vars(SCORES), "two_back": SCORES.two_back[:1]})
    assert isinstance(LOOKS, AttentionPatterns)


def test_an_experiment_has_one_input():
    with pytest.raises(ExperimentError, match="give one of fact, facts, and not none"):
        DirectLogitAttribution()
    with pytest.raises(ExperimentError, match="and not facts and texts"):
        ReadAttention(facts=LOOKS.facts, texts=("a",))
