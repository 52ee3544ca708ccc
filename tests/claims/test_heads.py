"""Claims about heads and about sets of cells, on results made of plain numbers."""

import numpy as np
import pytest
from made_ablations import ablations
from made_patchings import head_trace as trace, joint, paths

from pytest_interp.claims import (
    Status,
    check_fact_localized,
    check_heads_matter,
    check_necessary,
    check_sufficient,
)
from pytest_interp.errors import ClaimError, UnknownNameError


@pytest.mark.guarantee(
    "undefined",
    "A claim that heads matter passes, fails or stays open by the intervals over facts.",
    sees="the head that breaks it, with its effect and the limit",
)
@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_heads_matter(direction):
    found = trace({"head.1.2": 0.5, "head.2.0": 0.3}, direction)
    both = ["head.1.2", "head.2.0"]
    assert check_heads_matter(found, both, at_least=0.2, others_at_most=0.1).status is Status.PASSED
    assert check_heads_matter(found, both, at_least=0.4).status is Status.FAILED
    alone = check_heads_matter(found, "head.1.2", at_least=0.4, others_at_most=0.1)
    assert alone.status is Status.FAILED
    assert "head.2.0@last" in str(alone.details)
    near = check_heads_matter(found, "head.1.2", at_least=0.499)
    assert near.status is Status.INCONCLUSIVE


def test_a_fact_sits_at_one_head():
    found = trace({"head.1.2": 0.9})
    assert check_fact_localized(found, "head.1.2@last").status is Status.PASSED
    assert check_fact_localized(found, "head.1.1@last").status is Status.FAILED
    two = trace({"head.1.2": 0.9, "head.2.1": 0.6})
    assert check_fact_localized(two, "head.1.2@last").status is Status.FAILED


def test_where_most_heads_do_as_much_nothing_is_shown():
    every = {f"head.{layer}.{head}": 0.5 for layer in range(3) for head in range(4)}
    verdict = check_heads_matter(trace(every), "head.1.2", at_least=0.4)
    assert verdict.status is Status.INCONCLUSIVE
    assert "other heads" in verdict.sentence


def test_where_every_head_is_named_there_are_no_others_to_compare_with():
    every = {f"head.{layer}.{head}": 0.5 for layer in range(3) for head in range(4)}
    verdict = check_heads_matter(trace(every), list(every), at_least=0.4)
    assert verdict.status is Status.PASSED
    assert not verdict.controls


def test_undefined_is_inconclusive():
    found = trace({"head.1.2": np.nan})
    assert check_heads_matter(found, "head.1.2", at_least=0.4).status is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("site", "asked", "says"),
    [
        ("head.1@last", {}, "names no head"),
        ("head.1.2@subject", {}, "another position"),
        ("head.7.2@last", {}, "was not traced"),
        ("k.1.2@last", {}, "was not traced"),
        ("head.1.2@last", {"layer_range": (0, 1)}, "give no layer_range"),
        ("head.1.2@last", {"outside": 0.9}, "outside"),
    ],
)
def test_places_that_are_no_head_of_the_trace(site, asked, says):
    with pytest.raises(ClaimError, match=says):
        check_fact_localized(trace({"head.1.2": 0.9}), site, **asked)
    with pytest.raises(ClaimError, match="no head is named"):
        check_heads_matter(trace({}), [], at_least=0.5)


def test_sets_of_cells_suffice_or_are_needed():
    found = joint(stored=0.95, other=0.2)
    assert check_sufficient(found, "stored").status is Status.PASSED
    assert check_sufficient(found, "other").status is Status.FAILED
    assert check_necessary(joint("noise", stored=0.95), "stored").status is Status.PASSED
    with pytest.raises(ClaimError, match="direction='noise'"):
        check_necessary(found, "stored")
    with pytest.raises(ClaimError, match="give no layer_range"):
        check_sufficient(found, "stored", (0, 1))
    with pytest.raises(UnknownNameError, match="Did you mean 'stored'"):
        check_sufficient(found, "storde")


def test_what_the_results_say():
    found = trace({"head.1.2": 0.5, "head.2.0": 0.3})
    assert found.strongest == "head.1.2"
    assert [name for name, _ in found.ranked(2)] == ["head.1.2", "head.2.0"]
    said = found.to_json()
    assert said["strongest"] == "head.1.2"
    assert np.shape(said["mean_effect"]) == (3, 4)
    assert len(found.pick([0, 2])) == 2
    assert "head.1.2 0.50" in found.summary()
    sets = joint(stored=0.95, other=0.2)
    assert sets.to_json()["strongest"] == "stored"
    assert "site" not in sets.to_json()
    assert "stored: 0.950" in sets.summary()


STRONGEST = pytest.mark.guarantee(
    "undefined",
    "The strongest head, and the set or the component that is most needed, is none where a number "
    "is not finite; nor is a head that is level with another.",
    sees="None in the result, and an inconclusive bound on it.",
)


@STRONGEST
def test_a_head_that_is_level_with_another_is_not_the_strongest():
    assert trace({"head.1.1": 0.8, "head.2.0": 0.3}).strongest == "head.1.1"
    assert trace({"head.1.1": 0.8, "head.2.0": 0.8}).strongest is None
    assert trace({}).strongest is None
    assert trace({"head.1.1": 0.8, "head.2.0": np.nan}).strongest is None


@STRONGEST
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_where_a_number_is_none_nothing_is_the_most(value):
    assert joint(a=0.8, b=0.2).to_json()["strongest"] == "a"
    assert joint(a=0.8, b=0.8).to_json()["strongest"] is None
    assert paths().to_json()["strongest_sender"] == ["head.1.0", None], "all are 0 at the second"
    assert joint(a=0.8, b=value).to_json()["strongest"] is None
    assert ablations({"head.1.0": 3.0, "head.1.1": 0.1}).to_json()["most_needed"] == "head.1.0"
    assert ablations({"head.1.0": 3.0, "head.1.1": value}).to_json()["most_needed"] is None
