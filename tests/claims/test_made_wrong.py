"""Results that were made wrong by hand, and claims that were asked wrong of labelled prompts."""

from dataclasses import replace

import numpy as np
import pytest
from made_estimates import estimates
from made_heads import patterns
from made_told import made_curves, probed, projected_out, steered

from pytest_interp.claims import (
    check_decodable,
    check_dose_response,
    check_sharpens_gradually,
)
from pytest_interp.errors import ClaimError

RESULTS = {
    "steer": (
        steered(),
        ("log_odds", "random_log_odds", "right", "projections", "neutral_kl", "random_neutral_kl"),
    ),
    "projected out": (projected_out(), ("before", "after", "random_after", "right")),
    "probe": (
        probed(),
        ("scores", "selected", "template_scores", "baseline_scores", "shuffled"),
    ),
    "curves": (
        made_curves([0.1, 0.5, 0.9]),
        ("prob", "rank", "margin", "entropy", "divergence", "confidence"),
    ),
}
FITS = pytest.mark.guarantee(
    "messages",
    "A result whose arrays do not fit its layers and tokens is refused when it is made.",
    sees="A ClaimError with the shape that it has and the one that it needs.",
)


@FITS
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, (_, names) in RESULTS.items() for name in names]
)
def test_an_array_that_lacks_an_entry_is_refused(kind, name):
    made, _ = RESULTS[kind]
    with pytest.raises(ClaimError, match=rf"{name} of a .* need \("):
        replace(made, **{name: np.asarray(getattr(made, name))[..., :-1]})


@FITS
@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize("name", ["labels", "groups", "templates"])
def test_each_prompt_has_a_label_a_group_and_a_template(kind, name):
    made, _ = RESULTS[kind]
    with pytest.raises(ClaimError, match=f"{name} of a .* has 23 entries, and there are 24"):
        replace(made, **{name: getattr(made, name)[:-1]})


def test_a_label_of_no_class_is_no_second_class():
    with pytest.raises(ClaimError, match="the label 'unsure', which is none of its classes"):
        replace(probed(), labels=("unsure", *probed().labels[1:]))


@pytest.mark.parametrize(
    ("made", "name"), [(steered(), "random_log_odds"), (projected_out(), "random_after")]
)
def test_without_random_directions_there_is_no_result(made, name):
    with pytest.raises(ClaimError, match="0 directions"):
        replace(made, **{name: getattr(made, name)[:0]})


@FITS
def test_maps_of_estimates_and_patterns_fit_their_facts():
    made = estimates()
    with pytest.raises(ClaimError, match=r"change of an Estimates .* \(7, 3, 2\) for head"):
        replace(made, change={"head": made.change["head"][:7]})
    with pytest.raises(ClaimError, match=r"exact of an Estimates .* \(0,\) for mlp_out"):
        replace(made, exact={"head": made.exact["head"]})
    with pytest.raises(ClaimError, match="str_tokens of an Estimates has 7 of 8"):
        replace(made, str_tokens=made.str_tokens[:7])
    looks = patterns({"head.2.1": 0.5})
    for change in ({"prompts": looks.prompts[:2]}, {"clean": looks.clean[:2]}):
        with pytest.raises(ClaimError, match="one prompt each"):
            replace(looks, **change)
    none = {"prompts": (), "str_tokens": (), "patterns": (), "facts": None}
    with pytest.raises(ClaimError, match="at least one"):
        replace(looks, **none, clean=None, corrupt=None)


@pytest.mark.guarantee(
    "green",
    "What is there at the first layer came at once: it does not sharpen gradually.",
    sees="A failed verdict with the share of the final probability that is there.",
)
@pytest.mark.parametrize("prob", [[0.9, 0.9, 0.9], [0.9]])
def test_what_is_there_at_the_first_layer_came_at_once(prob):
    verdict = check_sharpens_gradually(made_curves(prob), label="told")
    assert verdict.status == "failed"
    assert verdict.effect.value == pytest.approx(1.0)
    assert check_sharpens_gradually(made_curves([0.2, 0.4, 0.6, 0.8]), label="told")


@pytest.mark.parametrize("rising", [None, "no", 0, np.nan])
def test_a_way_that_is_neither_is_refused(rising):
    with pytest.raises(ClaimError, match="give True where they rise, or False"):
        check_dose_response(steered(by=-1.0), rising=rising)


@pytest.mark.parametrize("names", [5, (), "layer 0", ["nope"], [5]])
def test_baselines_that_there_are_not_are_refused(names):
    with pytest.raises(ClaimError, match="baseline"):
        check_decodable(probed(), baselines=names)


def test_a_median_over_layers_that_may_be_settled_or_not_is_none():
    curves = made_curves([0.1, 0.5, 0.9])
    assert curves.median_settled == 1
    margin = np.array(curves.margin)
    margin[0, 2] = np.nan
    assert np.isnan(replace(curves, margin=margin).median_settled)
