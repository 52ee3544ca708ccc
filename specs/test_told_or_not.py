"""Told or not told: SmolLM2 and Gemma 3 hold whether a text names the person that they ask for.

Claim: being told can be read from the last token better than from anything at the surface. Being
readable is neither being used nor being useful. At the layer where it is read best, the direction
moves the answer no more than random directions do. At layer 20 of SmolLM2 the answer follows the
dose, and answers that were right are lost. When that model settles on what it says does not depend
on it. In Gemma random directions do more at either layer that was tried, and of lost answers and
of settling nothing can be said.

Why it matters: a probe that reads a class is often taken for a mechanism. And where classes differ
at the surface, as known and invented countries do, a probe reads the surface.

How: the direction is fitted on one half of the people and tried on the other half. Its layer is the
one that the fitted half picks most often, by cross-validation within it. Layer 20 was named by an
earlier look at other prompts. The questions and the answers are told in docs/confabulation.md.
"""

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from pytest_interp import (
    assert_commits_later,
    assert_decodable,
    assert_dose_response,
    assert_sharpens_gradually,
    assert_side_effects_below,
    load_prompts,
    probe,
    steer,
    trajectories,
)
from pytest_interp.errors import ClaimFailed, ClaimInconclusive

pytestmark = pytest.mark.interp(model="smollm2-135m")

FITTED, TRIED = load_prompts("told-or-not").split()
"""Two halves of the people, 40 prompts each."""
DOSES = (-4, -2, 2)
"""Of the mean of told minus that of untold: negative doses push towards not having been told."""
UNSUPPORTED = (ClaimFailed, ClaimInconclusive)
GEMMA = "gemma3-270m"
LISTS = load_prompts("known-or-invented").where(lambda prompt: prompt.template == "list")
UNQUOTED = replace(
    LISTS,
    name="known-or-invented, without quotes",
    prompts=tuple(replace(prompt, text=prompt.text.replace('"', "")) for prompt in LISTS),
)
"""After a space every real country is one token, and no invented name is."""


@cache
def probed(adapter):
    return probe(adapter, FITTED)


def steered_at(adapter, layer):
    return steer(adapter, TRIED, probed(adapter).direction(layer), doses=DOSES)


def test_whether_it_was_told_can_be_read(adapter, baseline):
    assert_decodable(probed(adapter), auroc_at_least=0.75, above=0.05)
    baseline.check(probed(adapter))


def test_where_it_is_read_best_it_is_not_used(adapter, baseline):
    ((layer, _),) = Counter(probed(adapter).picked).most_common(1)
    steered = steered_at(adapter, layer)
    # of 20 random directions of its length some do more, whichever way is claimed
    for rising in (True, False):
        with pytest.raises(UNSUPPORTED, match=r"random directions: [\d.]+ is not <= 1"):
            assert_dose_response(steered, rising=rising)
    baseline.check(steered)


def test_at_layer_20_the_answer_follows_the_dose_and_right_answers_are_lost(adapter, baseline):
    steered = steered_at(adapter, 20)
    assert_dose_response(steered, at_least=1, rising=False)
    with pytest.raises(ClaimFailed, match="right answers lost at dose -4"):
        assert_side_effects_below(steered, kl=0.2, right_lost=0.1)
    baseline.check(steered)


def test_what_it_says_comes_in_the_last_layers_and_at_once(adapter, baseline):
    curves = trajectories(adapter, TRIED)
    for label, than in (("told", "untold"), ("untold", "told")):
        with pytest.raises(ClaimFailed, match="layers later"):
            assert_commits_later(curves, label=label, than=than, by_layers=1)
        with pytest.raises(ClaimFailed, match="largest rise"):
            assert_sharpens_gradually(curves, label=label)
    baseline.check(curves)


@pytest.mark.interp(model=["smollm2-135m", GEMMA])
def test_known_countries_differ_from_invented_ones_at_the_surface(adapter, baseline):
    found = probe(adapter, UNQUOTED)
    with pytest.raises(ClaimFailed, match="its lead over"):
        assert_decodable(found, layer=0)
    baseline.check(found)


def test_the_model_is_surer_of_known_countries_so_their_settling_says_nothing(adapter, baseline):
    curves = trajectories(adapter, UNQUOTED)
    for label, than in (("known", "invented"), ("invented", "known")):
        with pytest.raises(ClaimInconclusive, match="do not overlap enough in confidence"):
            assert_commits_later(curves, label=label, than=than)
    baseline.check(curves)


@pytest.mark.slow
@pytest.mark.interp(model=GEMMA)
def test_gemma_too_holds_whether_it_was_told(adapter, baseline):
    assert_decodable(probe(adapter, load_prompts("told-or-not")), auroc_at_least=0.85, above=0.1)
    # half of the prompts, which are enough for SmolLM2, do not decide its lead over the confidence
    with pytest.raises(ClaimInconclusive, match="its lead over confidence"):
        assert_decodable(probed(adapter), auroc_at_least=0.75, above=0.05)
    assert Counter(probed(adapter).picked).most_common(1)[0][0] == 10
    baseline.check(probed(adapter))


@pytest.mark.slow
@pytest.mark.interp(model=GEMMA)
@pytest.mark.parametrize("layer", [10, 12])
def test_gemma_is_moved_more_by_random_directions(adapter, baseline, layer):
    """At the layer where it is read best, and at that two thirds up, as layer 20 of SmolLM2."""
    steered = steered_at(adapter, layer)
    for rising in (True, False):
        with pytest.raises(UNSUPPORTED, match=r"random directions: [\d.]+ is not <= 1"):
            assert_dose_response(steered, rising=rising)
    with pytest.raises(ClaimInconclusive, match="answers 3 of 20 prompts rightly"):
        assert_side_effects_below(steered, kl=0.2, right_lost=0.1)
    baseline.check(steered)


@pytest.mark.slow
@pytest.mark.interp(model=GEMMA)
def test_what_gemma_says_comes_at_once_and_perhaps_no_later(adapter, baseline):
    curves = trajectories(adapter, TRIED)
    for label, than in (("told", "untold"), ("untold", "told")):
        with pytest.raises(ClaimInconclusive, match="layers later"):
            assert_commits_later(curves, label=label, than=than, by_layers=1)
        with pytest.raises(ClaimFailed, match="largest rise"):
            assert_sharpens_gradually(curves, label=label)
    baseline.check(curves)


@pytest.mark.slow
@pytest.mark.interp(model=GEMMA)
def test_gemma_is_surer_of_known_countries_too(adapter, baseline):
    curves = trajectories(adapter, UNQUOTED)
    for label, than in (("known", "invented"), ("invented", "known")):
        with pytest.raises(ClaimInconclusive, match="do not overlap enough in confidence"):
            assert_commits_later(curves, label=label, than=than)
    baseline.check(curves)
