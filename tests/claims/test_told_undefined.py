"""A number that is not finite, anywhere in a result about labelled prompts, decides no claim."""

import re
import warnings
from collections import Counter
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
import torch

from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.adapters.sites import RESID_POST, Site
from pytest_interp.claims import (
    check_ablation_removes,
    check_commits_later,
    check_decodable,
    check_dose_response,
    check_separates,
    check_sharpens_gradually,
    check_side_effects_below,
)
from pytest_interp.experiments import ablate_direction, probe, steer, trajectories
from pytest_interp.figures import figure_of
from pytest_interp.planted import planted_told_model
from pytest_interp.results.direction import Direction
from pytest_interp.results.probe import ProbeResult
from pytest_interp.results.steering import AblationResult, SteerResult
from pytest_interp.results.trajectories import Trajectories

SURFACE = ("layer 0", "token counts")
# each claim with arguments under which it passes or fails where all numbers are defined
CLAIMS = {
    ProbeResult: (
        lambda found: check_decodable(found, baselines=SURFACE),
        lambda found: check_decodable(found, layer=5, auroc_at_least=0.6, baselines=SURFACE),
        lambda found: check_decodable(found),
    ),
    Trajectories: (
        lambda found: check_commits_later(found, label="untold", than="told"),
        lambda found: check_commits_later(found, label="told", than="untold"),
        lambda found: check_sharpens_gradually(found, label="told"),
        lambda found: check_sharpens_gradually(found, label="untold", jump_at_most=1.0),
    ),
    SteerResult: (
        lambda found: check_separates(found),
        lambda found: check_dose_response(found, rising=False),
        lambda found: check_dose_response(found, rising=True, label="told"),
        lambda found: check_side_effects_below(found, kl=1000, right_lost=1),
        lambda found: check_side_effects_below(found, label="told"),
    ),
    AblationResult: (
        lambda found: check_ablation_removes(found, at_least=0.7),
        lambda found: check_ablation_removes(found, label="untold", at_least=0.7),
    ),
}
NUMBERS = [
    (kind, field.name)
    for kind in CLAIMS
    for field in fields(kind)
    if str(field.type).startswith("Floats")
]


@cache
def planted():
    return planted_told_model("gpt2", n_persons=24)


@cache
def results():
    model = planted()
    adapter = open_adapter(Weights("planted", model.module, model.tokenizer, "planted"), "nnsight")
    prompts, neutral = model.prompts(48, seed=7), ("Note : Ana lives in",)
    bit = Direction(-model.truth.directions["untold"].vector, layer=3)
    return {
        ProbeResult: probe(adapter, prompts, repeats=1, shuffles=19),
        Trajectories: trajectories(adapter, prompts),
        SteerResult: steer(adapter, prompts, bit, doses=(-1, 1), neutral=neutral),
        AblationResult: ablate_direction(adapter, prompts, bit, positions="last"),
    }


@pytest.mark.parametrize("kind", CLAIMS)
def test_where_all_is_defined_these_claims_are_decided(kind):
    statuses = {str(check(results()[kind]).status) for check in CLAIMS[kind]}
    assert "passed" in statuses
    assert "Undefined" not in "".join(str(check(results()[kind])) for check in CLAIMS[kind])


@pytest.mark.guarantee(
    "undefined",
    "A number that is not finite, anywhere in a result about labelled prompts, leaves every claim "
    "about it undecided.",
    sees="An inconclusive verdict that names the array and the place.",
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("kind", "name"), NUMBERS)
def test_one_number_that_is_not_finite_decides_nothing(kind, name, value):
    sound = results()[kind]
    whole = getattr(sound, name)
    places = [tuple(0 for _ in whole.shape), tuple(n - 1 for n in whole.shape)]
    for place in places if name != "right" else places[:1]:
        broken = whole.copy()
        broken[place] = value
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for check in CLAIMS[kind]:
                verdict = check(replace(sound, **{name: broken}))
                assert verdict.status == "inconclusive", str(verdict)
                assert f"{name}{list(place)} is {value:g}" in str(verdict)


def test_prompts_without_an_answer_are_no_undefined_ones():
    right = results()[SteerResult].right
    assert np.isnan(right).any()  # the untold ones
    verdict = check_side_effects_below(results()[SteerResult], kl=1000, right_lost=1)
    assert verdict.status == "passed", str(verdict)


@pytest.mark.guarantee(
    "undefined",
    "An activation that is not finite leaves the claims about a probe undecided, whatever the "
    "method.",
    sees="An inconclusive verdict that names the site, the layer and the prompt.",
)
@pytest.mark.parametrize("method", ["difference_of_means", "logistic"])
@pytest.mark.parametrize("backend", backend_names())
def test_a_model_that_overflows_on_one_prompt_decides_nothing(backend, method):
    if method == "logistic":
        pytest.importorskip("sklearn")
    model = planted()
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    adapter, prompts = open_adapter(weights, backend), model.prompts(48, seed=7)
    run = adapter.run

    def overflowing(tokens, capture=(), edits=None, **rest):
        """As the model does where one prompt, the first of its batch, is too much for layer 2."""
        huge = {Site(RESID_POST, 2): lambda x: torch.cat([x[:1] * np.inf, x[1:]])}
        return run(tokens, capture, huge if len(tokens) == largest else edits, **rest)

    lengths = [len(weights.tokenizer(p.text)["input_ids"]) for p in prompts]
    largest = max(Counter(lengths).values())
    adapter.run = overflowing
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = probe(adapter, prompts, method=method, repeats=1, shuffles=19)
        for check in CLAIMS[ProbeResult]:
            verdict = check(found)
            assert verdict.status == "inconclusive"
            assert re.search(
                r"activation of resid_post\.2 on the prompt '\w+-\d+' is -?inf", str(verdict)
            )
    # the layers before are as they are
    assert np.isfinite(found.scores[:2]).all()
    assert np.isnan(found.scores[2:]).all()
    assert np.isnan(found.p_value)
    assert found.summary()
    assert figure_of(found) is not None
