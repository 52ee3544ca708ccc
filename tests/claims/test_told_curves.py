"""Claims about when a token comes to stay, at their limits: against curves of plain numbers."""

from dataclasses import replace

import numpy as np
import pytest
from made_told import made_curves, probed, steered, together

from pytest_interp.claims import check_commits_later, check_sharpens_gradually
from pytest_interp.errors import ClaimError

ASKED = {"label": "untold", "than": "told"}


def two(n=24, n_told=None, *, told_by=0.0, groups=None):
    """Told ones settle at layer 2, untold ones at 4, equally sure but for ``told_by`` deviations.

    They are sure of their tokens in as many ways as there are prompts.
    """
    told = made_curves([0.1, 0.1, 0.9, 0.9, 0.9], n=n_told or n)
    untold = made_curves([0.1, 0.1, 0.1, 0.1, 0.9], label="untold", n=n)
    sure = np.linspace(-3.0, -1.0, n)
    first = replace(told, confidence=np.resize(sure, n_told or n) + told_by * sure.std())
    made = together(first, replace(untold, confidence=sure))
    return made if groups is None else replace(made, groups=tuple(groups))


def is_(verdict, status, *words):
    assert verdict.status == status, str(verdict)
    for word in words:
        assert word in str(verdict)


def test_a_class_commits_later_by_so_many_layers():
    is_(check_commits_later(two(), **ASKED, by_layers=1.9), "passed")
    is_(check_commits_later(two(), **ASKED, by_layers=2.1), "failed")
    verdict = check_commits_later(two(24, 30), **ASKED)
    is_(verdict, "passed", "the means differ by +2.00 layers", "6 prompts found no partner")
    assert verdict.n_prompts == 48


@pytest.mark.parametrize(("n", "status"), [(8, "passed"), (7, "inconclusive")])
def test_eight_pairs_are_the_fewest(n, status):
    is_(check_commits_later(two(n), **ASKED, min_matched=0), status)


def test_a_share_of_the_smaller_class_has_to_find_partners():
    made = two(16, 40)
    far = np.where(np.arange(56) >= 52, made.confidence - 90, made.confidence)  # four untold ones
    some = replace(made, confidence=far)
    is_(check_commits_later(some, **ASKED, min_matched=0.8), "inconclusive", "of 16 can be matched")
    is_(check_commits_later(made, **ASKED, min_matched=1), "passed")
    is_(check_commits_later(two(16, 40), **ASKED | {"label": "told", "than": "untold"}), "failed")


def test_matched_pairs_that_stay_apart_in_confidence_decide_nothing():
    near = check_commits_later(two(told_by=0.05), **ASKED)
    is_(near, "passed")
    assert near.controls[0].value == pytest.approx(0.05, rel=0.02)
    apart = check_commits_later(two(told_by=0.15), **ASKED)
    is_(apart, "inconclusive", "a control does not: balance")


@pytest.mark.parametrize(("n", "status"), [(4, "passed"), (3, "inconclusive")])
def test_four_persons_of_each_class_are_the_fewest(n, status):
    few = [f"person-{i % n}" for i in range(24)]
    many = [f"person-{i}" for i in range(24)]
    for groups in (few + many, many + few):
        verdict = check_commits_later(two(groups=groups), **ASKED)
        is_(verdict, status)
        assert ("too few groups" in verdict.sentence) == (n == 3)
    gradual = replace(made_curves([0.2, 0.4, 0.6, 0.8]), groups=tuple(few))
    is_(check_sharpens_gradually(gradual, label="told"), status)
    # those of another class are none of it
    both = together(gradual, made_curves([0.2, 0.4, 0.6, 0.8], label="untold"))
    is_(check_sharpens_gradually(both, label="told"), status)
    is_(check_sharpens_gradually(both, label="untold"), "passed")


def test_prompts_whose_token_never_settles_find_no_partner():
    made = two()
    margin = np.where(np.arange(48)[:, None] < 4, -1.0, made.margin)  # four told ones
    verdict = check_commits_later(replace(made, margin=margin), **ASKED)
    is_(verdict, "passed", "8 prompts found no partner", "the means differ by +2.00 layers")


@pytest.mark.parametrize(
    ("of_answers", "metric"),
    [(True, "logit lens of the stated answer"), (False, "lens of its own token")],
)
def test_a_verdict_says_which_token_was_followed(of_answers, metric):
    made = replace(two(), of_answers=of_answers)
    assert check_commits_later(made, **ASKED).metric == metric
    assert check_sharpens_gradually(made, label="told").metric == metric


@pytest.mark.parametrize(
    ("check", "asked", "says"),
    [
        (check_commits_later, {"label": "told", "than": "told"}, "later than itself"),
        (check_commits_later, {**ASKED, "by_layers": 0}, "give a number above 0"),
        (check_commits_later, {**ASKED, "min_matched": 1.1}, "give a share from 0 to 1"),
        (check_commits_later, {**ASKED, "than": "none"}, "no class 'none'"),
        (check_sharpens_gradually, {"label": "told", "jump_at_most": 0}, "give a number above 0"),
        (check_sharpens_gradually, {"label": "told", "jump_at_most": 1.1}, "give a share"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(check, asked, says):
    with pytest.raises(ClaimError, match=says):
        check(two(), **asked)
    for other in (probed(), steered()):
        with pytest.raises(ClaimError, match=r"expected what trajectories\(adapter, prompts\)"):
            check(other, **asked)
