"""What is claimed of ablations: by how much the metric falls, and how much of it is left."""

from dataclasses import replace

import numpy as np
import pytest
from made_ablations import SPREAD, ablations

from pytest_interp import assert_ablation_drops, assert_survives_ablation
from pytest_interp.claims import Status, check_ablation_drops, check_survives_ablation
from pytest_interp.errors import ClaimError, ClaimFailed, UnknownNameError
from pytest_interp.options.metrics import LOGIT_DIFF

FOUND = ablations({"head.2.3": 3.0, "head.1.0": 0.1, "both": 3.9, "head.0.0": -1.0})


@pytest.mark.parametrize(
    ("what", "asked", "status"),
    [
        ("head.2.3", {}, Status.PASSED),
        ("head.2.3", {"at_least": 0.75}, Status.INCONCLUSIVE),  # right at the mean
        ("head.2.3", {"at_least": 0.9}, Status.FAILED),
        ("head.1.0", {}, Status.FAILED),
        ("head.2.3", {"at_least": 2.5, "unit": "metric"}, Status.PASSED),
        ("head.2.3", {"at_least": 3.5, "unit": "metric"}, Status.FAILED),
        ("head.0.0", {"at_least": 0.1}, Status.FAILED),
    ],
)
def test_a_component_is_needed_where_the_metric_falls_without_it(what, asked, status):
    verdict = check_ablation_drops(FOUND, what, **asked)
    assert verdict.status is status
    assert what in verdict.effect.where
    assert verdict.n_prompts == len(SPREAD)


@pytest.mark.parametrize(
    ("what", "keeps", "status"),
    [
        ("head.1.0", 0.9, Status.PASSED),
        ("head.1.0", 0.975, Status.INCONCLUSIVE),
        ("head.2.3", 0.9, Status.FAILED),
        ("head.0.0", 1.2, Status.PASSED),
    ],
)
def test_a_model_does_without_what_leaves_the_metric(what, keeps, status):
    assert check_survives_ablation(FOUND, what, keeps=keeps).status is status


def test_a_share_is_that_of_the_means_and_not_a_mean_of_shares():
    """A fact that the model hardly knows would otherwise decide for all of them."""
    clean = np.array([8.0, 8.0, 8.0, 8.0, 0.01, 8.0, 8.0, 8.0])
    found = replace(FOUND, clean=clean, ablated=clean[:, None] - 0.6 * clean.mean() + np.zeros(4))
    verdict = check_ablation_drops(found, "head.2.3")
    assert verdict.effect.value == pytest.approx(0.6)


@pytest.mark.guarantee(
    "green",
    "Where the metric is not above 0 after the clean prompts, nothing is claimed of a share of it.",
    sees="A ClaimError with the mean of the metric; unit='metric' claims the drop itself.",
)
def test_a_share_of_what_is_not_above_0_is_refused():
    # a log-probability that falls from -1 to -5 is "five times as much"
    n = len(SPREAD)
    fell = replace(
        ablations({"head.2.3": 4.0}, clean=-1.0),
        metric=replace(LOGIT_DIFF, name="log_prob"),
        corrupt=np.full(n, -6.0),
        preferences=np.stack([np.full(n, 5.0), np.full(n, -5.0)]),
    )
    for check in (check_survives_ablation, check_ablation_drops):
        with pytest.raises(ClaimError, match="mean log_prob of the clean prompts is -1"):
            check(fell, "head.2.3")
    assert check_ablation_drops(fell, "head.2.3", at_least=3.5, unit="metric")
    with pytest.raises(ClaimError, match="mean log_prob of the clean prompts is 0,"):
        check_survives_ablation(replace(fell, clean=np.zeros(n)), "head.2.3")


def test_of_few_templates_each_has_its_own_ratio():
    halves = tuple(replace(fact, template="ab"[i % 2]) for i, fact in enumerate(FOUND.facts.facts))
    clean = np.array([8.0, 2.0] * 4) + SPREAD
    found = replace(
        FOUND,
        facts=replace(FOUND.facts, facts=halves),
        clean=clean,
        ablated=clean[:, None] * np.array([0.4, 0.8] * 4)[:, None] + np.zeros(4),
    )
    verdict = check_ablation_drops(found, "head.2.3")
    assert verdict.status is Status.FAILED
    assert verdict.effect.value == pytest.approx(0.2)
    assert "'b'" in verdict.effect.where


@pytest.mark.guarantee(
    "undefined",
    "A component matters only where random components of its kind do not do the same.",
    sees="inconclusive: random components",
)
def test_random_components_that_do_the_same_decide_against_it():
    alike = ablations({"head.2.3": 3.0}, random=2.0)
    verdict = check_ablation_drops(alike, "head.2.3")
    assert verdict.status is Status.INCONCLUSIVE
    assert "random components" in verdict.sentence
    (control,) = verdict.controls
    assert control.value == pytest.approx(2 / 3, rel=0.01)
    # where none were run the verdict says so
    none = ablations({"both": 3.0})
    verdict = assert_ablation_drops(none, "both")
    assert "not run" in str(verdict)


@pytest.mark.guarantee(
    "undefined",
    "Attention to some tokens matters only where that to as many others does not matter as much.",
    sees="inconclusive: random tokens",
)
def test_other_tokens_that_do_the_same_decide_against_it():
    for others, status in ((0.2, Status.PASSED), (2.0, Status.INCONCLUSIVE)):
        falls = np.full((len(SPREAD), 4, 5), 4.0 - others)
        falls[:, 0, 0] = -9.0  # one token of which the model needs more decides nothing
        verdict = check_ablation_drops(replace(FOUND, other_tokens=falls), "head.2.3")
        assert verdict.status is status
        (control,) = verdict.controls
        assert control.name == "random tokens"
        assert control.value == pytest.approx(others / 3, rel=0.02)
    assert "random tokens" in verdict.sentence


def test_an_outlier_among_the_random_ones_does_not_decide():
    values = np.array(FOUND.random_ablated)
    values[:, 0] = -9.0
    verdict = assert_ablation_drops(replace(FOUND, random_ablated=values), "head.2.3")
    assert "the largest is 13.00 without head.0.7" in str(verdict)


def test_what_is_not_finite_decides_nothing():
    values = np.array(FOUND.ablated)
    values[3] = np.nan
    found = replace(FOUND, ablated=values)
    for check in (check_ablation_drops, check_survives_ablation):
        assert check(found, "head.2.3").status is Status.INCONCLUSIVE
    values = np.array(FOUND.random_ablated)
    values[3] = np.nan
    found = replace(FOUND, random_ablated=values)
    assert check_ablation_drops(found, "head.2.3").status is Status.INCONCLUSIVE


def test_what_was_not_ablated_is_named():
    with pytest.raises(UnknownNameError, match=r"'head\.2\.2' was not ablated.*head\.2\.3"):
        assert_survives_ablation(FOUND, "head.2.2")
    with pytest.raises(ClaimError, match="expected what ablate"):
        assert_survives_ablation(3, "head.2.2")
    with pytest.raises(UnknownNameError, match="unknown unit"):
        assert_ablation_drops(FOUND, "head.2.3", unit="logits")
    with pytest.raises(ClaimError, match="above 0"):
        assert_ablation_drops(FOUND, "head.2.3", at_least=0)
    with pytest.raises(ClaimFailed, match="drop without head"):
        assert_ablation_drops(FOUND, "head.1.0")


def test_a_result_says_what_it_found():
    said = FOUND.to_json()
    assert said["most_needed"] == "both"
    assert said["members"] == {"both": ["head.0.1", "head.2.3"]}
    assert np.shape(said["ablated_metric"]) == (len(SPREAD), 4)
    assert set(FOUND.axes()) | set(FOUND.tolerances()) | set(FOUND.findings()) <= set(said)
    assert "without both" in FOUND.summary()
    part = FOUND.pick([0, 2])
    assert part.ablated.shape == (2, 4)
    assert part.random_ablated.shape == (2, 6)
