"""Claims about labelled prompts, against what is true of planted models."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from made_told import made_curves, together

from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.claims.decodable import check_decodable
from pytest_interp.claims.steering import check_ablation_removes, check_dose_response
from pytest_interp.claims.trajectories import check_commits_later, check_sharpens_gradually
from pytest_interp.claims.useful import check_separates, check_side_effects_below
from pytest_interp.errors import ClaimError
from pytest_interp.experiments.directions import class_direction
from pytest_interp.experiments.probing import probe
from pytest_interp.experiments.projection import ablate_direction
from pytest_interp.experiments.steering import steer
from pytest_interp.experiments.trajectory import trajectories
from pytest_interp.planted import planted_told_model
from pytest_interp.results.direction import Direction

SURFACE = ("layer 0", "token counts")
ARCHS = ("gpt2", "qwen3", "llama")
VARIANTS = ("gated", "decoy", "hidden", "two_directions", "surface", "never", "none")
# each variant on one architecture, and the first on all
CASES = [(v, ARCHS[i % 3]) for i, v in enumerate(VARIANTS)] + [("gated", a) for a in ARCHS[1:]]


@cache
def built(variant, arch, n=48):
    model = planted_told_model(arch, variant=variant, n_persons=24)
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    return model, open_adapter(weights, "nnsight"), model.prompts(n, seed=7)


@cache
def probed(variant, arch):
    _, adapter, prompts = built(variant, arch, 96)
    return probe(adapter, prompts, repeats=2)


def given(model, name, layer, scale=1.0):
    return Direction(
        scale * model.truth.directions[name].vector, layer, origin=f"the truth's {name}"
    )


def is_(verdict, status, *words):
    assert verdict.status == status, str(verdict)
    for word in words:
        assert word in str(verdict)


@pytest.mark.parametrize(("variant", "arch"), CASES)
def test_decodable_beyond_the_surface_from_the_layer_of_the_bit_on(variant, arch):
    model = built(variant, arch)[0]
    for layer, known in enumerate(model.truth.auroc):
        verdict = check_decodable(
            probed(variant, arch), layer=layer, auroc_at_least=0.75, baselines=SURFACE
        )
        if known == 1.0 and variant != "surface":
            is_(verdict, "passed")
        else:
            assert verdict.status != "passed", str(verdict)
    verdict = check_decodable(probed(variant, arch), auroc_at_least=0.75, baselines=SURFACE)
    passes = model.truth.auroc[-1] == 1.0 and variant != "surface"
    assert (verdict.status == "passed") == passes, str(verdict)
    # these models say what they were told, so that a probe reads nothing more than that
    assert check_decodable(probed(variant, arch)).status != "passed"


def test_the_surface_is_refused_through_its_baselines():
    for layer in range(8):
        verdict = check_decodable(probed("surface", "qwen3"), layer=layer, above=0.15)
        is_(verdict, "failed", "False: its lead over layer 0 (AUROC 1.000)")
    with pytest.raises(ClaimError, match="no baseline 'layer1'"):
        check_decodable(probed("surface", "qwen3"), baselines=("layer1",))


@pytest.mark.guarantee(
    "green",
    "Where the classes do not differ, a probe passes no more often than its confidence allows.",
    sees="A verdict that fails or is inconclusive.",
)
def test_without_a_difference_hardly_any_labels_pass():
    _, adapter, prompts = built("none", "gpt2")
    passed = 0
    for seed in range(40):
        labels = np.random.default_rng(seed).permutation(prompts.labels)
        made = tuple(
            replace(p, label=str(label), answer=None)
            for p, label in zip(prompts, labels, strict=True)
        )
        # the smallest claim that can be made
        found = probe(
            adapter, replace(prompts, prompts=made), seed=seed, repeats=1, shuffles=19, folds=3
        )
        passed += check_decodable(found, auroc_at_least=0.501, above=0.0).status == "passed"
    assert passed <= 2


@pytest.mark.parametrize("arch", ARCHS)
def test_a_gated_direction_is_used_and_its_removal_ends_abstaining(arch):
    model, adapter, prompts = built("gated", arch)
    fitted, tried = prompts.split(seed=1)
    direction = class_direction(adapter, fitted, 3)
    steered = steer(adapter, tried, direction, doses=(-2, -1, 1))
    is_(check_separates(steered), "passed")
    is_(check_dose_response(steered, rising=False), "passed")
    assert check_dose_response(steered).status == "failed"
    is_(
        check_ablation_removes(ablate_direction(adapter, prompts, given(model, "untold", 3))),
        "passed",
    )


@pytest.mark.parametrize("arch", ARCHS)
def test_a_decoy_separates_and_does_nothing(arch):
    model, adapter, prompts = built("decoy", arch)
    fitted, tried = prompts.split(seed=1)
    direction = class_direction(adapter, fitted, 3)
    steered = steer(adapter, tried, direction, doses=(-2, -1, 1, 2))
    is_(check_separates(steered), "passed")
    for rising in (True, False):
        for label in (None, "told", "untold"):
            assert check_dose_response(steered, rising=rising, label=label).status != "passed"
    removed = ablate_direction(adapter, prompts, given(model, "untold", 3))
    is_(check_ablation_removes(removed), "failed")


@pytest.mark.parametrize("arch", ARCHS)
def test_a_hidden_direction_is_used_though_it_is_hardly_read(arch):
    model, adapter, prompts = built("hidden", arch)
    direction = given(model, "doubt", 3)
    steered = steer(adapter, prompts, direction, doses=(-1, 1, 2))
    is_(check_dose_response(steered), "passed")
    assert check_separates(steered).status == "failed"
    is_(check_ablation_removes(ablate_direction(adapter, prompts, direction)), "passed")


@pytest.mark.parametrize("arch", ARCHS)
def test_of_two_directions_one_alone_removes_nothing_and_both_all(arch):
    model, adapter, prompts = built("two_directions", arch)
    both = [given(model, name, 4) for name in ("untold:0", "untold:1")]
    for one in both:
        is_(check_ablation_removes(ablate_direction(adapter, prompts, one)), "failed")
    is_(check_ablation_removes(ablate_direction(adapter, prompts, both)), "passed")


@pytest.mark.guarantee(
    "green",
    "Where a model does not abstain, no ablation removes abstaining.",
    sees="An inconclusive verdict: there is nothing to remove.",
)
@pytest.mark.parametrize("variant", ["never", "surface"])
def test_where_nothing_abstains_there_is_nothing_to_remove(variant):
    model, adapter, prompts = built(variant, "gpt2")
    name = next(iter(model.truth.directions))
    removed = ablate_direction(adapter, prompts, given(model, name, 3))
    is_(check_ablation_removes(removed), "inconclusive", "nothing to remove", "abstains on 0 of 48")


@pytest.mark.parametrize("arch", ARCHS)
def test_untold_prompts_commit_later_where_the_truth_says_so(arch):
    model, adapter, prompts = built("gated", arch, 96)
    at = model.truth.settling()
    assert at["untold"] - at["told"] == 2
    curves = trajectories(adapter, prompts)
    verdict = check_commits_later(curves, label="untold", than="told", by_layers=1)
    backwards = check_commits_later(curves, label="told", than="untold", by_layers=1)
    if verdict.status == "inconclusive":
        is_(verdict, "inconclusive", "overlap enough")
        is_(backwards, "inconclusive", "overlap enough")
    else:
        is_(verdict, "passed")
        is_(backwards, "failed")
    for label, jump in (("told", 0.3), ("untold", 0.3)):
        assert check_sharpens_gradually(curves, label=label, jump_at_most=jump).status == "failed"


def test_side_effects_of_large_doses_are_seen():
    model, adapter, prompts = built("gated", "gpt2")
    steered = steer(adapter, prompts, given(model, "untold", 3), doses=(1, 2))
    assert check_side_effects_below(steered).status == "failed"


def test_what_comes_in_small_steps_sharpens_gradually_and_a_jump_does_not():
    gradual = made_curves([0.05, 0.2, 0.35, 0.5, 0.65, 0.8])  # at most 0.15 of 0.8 in one layer
    is_(check_sharpens_gradually(gradual, label="told", jump_at_most=0.2), "passed")
    is_(check_sharpens_gradually(gradual, label="told", jump_at_most=0.18), "failed")
    at_once = made_curves([0.05, 0.05, 0.05, 0.75, 0.8, 0.8])
    is_(check_sharpens_gradually(at_once, label="told"), "failed")
    # what rises and falls again has risen
    over = made_curves([0.05, 0.05, 0.7, 0.3, 0.3, 0.3])
    is_(check_sharpens_gradually(over, label="told", jump_at_most=1.0), "failed")


@pytest.mark.guarantee(
    "green",
    "Classes whose final confidence does not overlap are not compared in when they commit.",
    sees="An inconclusive verdict with the number of pairs that can be matched.",
)
def test_classes_are_compared_only_where_their_confidence_overlaps():
    told = made_curves([0.1, 0.1, 0.9, 0.9, 0.9])
    as_sure = made_curves([0.1, 0.1, 0.1, 0.1, 0.9], label="untold")
    less_sure = made_curves([0.1, 0.1, 0.1, 0.1, 0.4], label="untold")
    asked = {"label": "untold", "than": "told"}
    is_(check_commits_later(together(told, as_sure), **asked), "passed")
    is_(check_commits_later(together(told, as_sure), **asked, by_layers=3), "failed")
    is_(check_commits_later(together(told, as_sure), label="told", than="untold"), "failed")
    for swapped in (asked, {"label": "told", "than": "untold"}):
        verdict = check_commits_later(together(told, less_sure), **swapped)
        is_(verdict, "inconclusive", "do not overlap enough in confidence", "0 pairs of 24")


@pytest.mark.guarantee(
    "green",
    "Doses of one sign alone are no dose-response: whatever is added weakens what the model says.",
    sees="A refusal that asks for doses below 0 and above.",
)
def test_doses_of_one_sign_are_no_dose_response():
    model, adapter, prompts = built("gated", "gpt2")
    steered = steer(adapter, prompts, given(model, "untold", 3), doses=(1, 2), neutral=("Note :",))
    with pytest.raises(ClaimError, match="needs some below 0 and some above"):
        check_dose_response(steered)
