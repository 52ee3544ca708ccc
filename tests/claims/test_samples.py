"""What counts as a fact of its own: entities, mirrors, wordings."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from made_results import lens_set

from pytest_interp import FactPrompt, LensSet
from pytest_interp.claims import (
    Status,
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_sufficient,
    column,
    decide,
    gather,
)
from pytest_interp.claims.requirements import Requirement
from pytest_interp.claims.terms import Terms
from tests.claims.conftest import join, make_fact, make_set, make_trace

SITE, LAYERS = "resid_post@last", (3, 4)
PLACES = "Peru", "Chad", "Laos", "Oman", "Mali", "Iran"


def about(subject, other, text="The home of {} is a"):
    """A fact of two entities: their answers go by their names."""
    return FactPrompt(
        clean_prompt=text.format(subject),
        corrupt_prompt=text.format(other),
        answer=f" {subject[:2]}",
        counterfactual_answer=f" {other[:2]}",
        subject=subject,
    )


def traced(facts, values, templates=None):
    """Maps whose last token has these effects in the claimed layers."""
    noise = np.zeros((len(values), 6, 3))
    noise[:, 3:5, 2] = np.array(values)[:, None] - 1
    pairs = zip(facts, noise, strict=True)
    return join([make_trace(fact=fact, noise=one) for fact, one in pairs], templates)


@pytest.mark.guarantee(
    "green",
    "Facts that share an entity, in either role, do not count as independent.",
    sees="An interval by entities, named in the verdict; its scope has the number of answers.",
)
def test_pairs_of_four_countries_are_not_twelve_facts():
    own = dict(zip(PLACES, (1.06, 1.0, 0.96, 0.88), strict=False))
    pairs = list(permutations(own, 2))
    values = [(own[a] + own[b]) / 2 for a, b in pairs]
    claimed = {"at_least": 0.92}
    alone = check_sufficient(
        traced([make_fact(i) for i in range(12)], values), SITE, LAYERS, **claimed
    )
    assert (alone.status, alone.interval.split(":")[0]) == (Status.PASSED, "by facts")
    shared = check_sufficient(traced([about(*p) for p in pairs], values), SITE, LAYERS, **claimed)
    assert shared.status is Status.INCONCLUSIVE
    assert shared.scope == "n = 12 from 1 template, about 4 answers"
    assert shared.interval == "by entities: 4 of them, 3 degrees of freedom"
    assert "there are 4 entities, about " in shared.sentence
    width, before = (v.effect.high - v.effect.low for v in (shared, alone))
    assert width > 2 * before


@pytest.mark.guarantee(
    "green",
    "Facts that share an entity, in either role, do not count as independent.",
    sees="An interval by entities, named in the verdict; its scope has the number of answers.",
)
def test_a_fact_and_its_mirror_count_once():
    values = [0.9, 0.9, 1.0, 1.0, 0.95, 0.95]
    facts = [
        about(*p) for a, b in zip(PLACES[:3], PLACES[3:], strict=True) for p in ((a, b), (b, a))
    ]
    verdict = check_sufficient(traced(facts, values), SITE, LAYERS)
    assert verdict.interval == "by entities: 3 of them, 2 degrees of freedom"
    only = check_sufficient(traced(facts[:2], values[:2]), SITE, LAYERS)
    assert only.status is Status.INCONCLUSIVE
    assert "all 2 facts are about the same (om, oman, pe, peru) in one wording" in only.sentence
    assert "add facts about others" in only.sentence


def test_answers_that_many_prompts_of_a_lens_share_cluster_them():
    made = lens_set(5, 5, 5, 8, 8, 8, templates="aaaaaa")
    named = [" one"] * 3 + [" two"] * 3
    lenses = tuple(replace(m, answer=n) for m, n in zip(made.lenses, named, strict=True))
    verdict = check_crystallises(LensSet(lenses, made.templates, made.ids), by_layer=9)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.interval == "by entities: 2 of them, 1 degree of freedom"
    assert check_crystallises(made, by_layer=9).status is Status.PASSED
    headline = check_crystallises(made, by_layer=3).headline
    assert headline.startswith("failed: 6.500 [")
    assert headline.endswith("at settled layer, claimed at most 3")
    assert "claimed 1 to 9, margin +" in check_crystallises(made, by_layer=9, not_before=1).headline


@pytest.mark.guarantee(
    "green",
    "With fewer than five templates a claim must hold in each of them.",
    sees="The scope says so, and the verdict names the template that decides.",
)
def test_a_template_in_which_the_claim_is_false_is_not_averaged_away():
    facts = [make_fact(i) for i in range(12)]
    values = [0.7, 0.71, 0.69, 0.7] + [1.0, 0.99, 1.01, 1.0] * 2
    verdict = check_sufficient(traced(facts, values, sorted("abc" * 4)), SITE, LAYERS)
    assert verdict.status is Status.FAILED
    assert verdict.effect.where == "layer 3, last, template 'a'"
    assert verdict.scope == "n = 12 from 3 templates, about 24 answers; in each template on its own"


@pytest.mark.guarantee(
    "red",
    "Facts that decide a claim in one template decide it in two as well.",
    sees="Each template is decided by its own facts, not by the one degree of freedom between two.",
)
def test_two_templates_are_decided_by_their_own_facts():
    values = [0.985, 0.99, 0.995, 0.99, 0.98, 0.99, 0.995, 0.987]
    facts = [make_fact(i) for i in range(8)]
    assert check_sufficient(traced(facts, values, list("aaaabbbb")), SITE, LAYERS)
    assert check_sufficient(traced(facts, values), SITE, LAYERS)
    apart = check_sufficient(traced(facts, values, list("abcdefgh")), SITE, LAYERS)
    assert (apart.status, apart.in_each_template) == (Status.PASSED, False)


@pytest.mark.guarantee(
    "messages",
    "A template that has one fact, where each has to hold on its own, is named with what to add.",
    sees="An inconclusive verdict: more facts, without it, or five templates.",
)
def test_a_template_of_one_fact_says_what_it_lacks():
    traces = traced([make_fact(i) for i in range(4)], [1.0] * 4, list("aaab"))
    verdict = check_sufficient(traces, SITE, LAYERS)
    assert verdict.status is Status.INCONCLUSIVE
    assert "template 'b' has 1 fact" in verdict.sentence
    assert "give it more facts, leave it out, or ask in 5 templates or more" in verdict.sentence


@pytest.mark.guarantee(
    "messages",
    "A cell that is undecided is told from one that is false, and shown with its interval.",
    sees="`*` breaks the claim, `?` is undecided; a list for each, and what would decide.",
)
def test_undecided_cells_are_told_from_false_ones():
    noise = np.zeros((12, 6, 3))
    noise[:, 3, 2] = np.linspace(-0.4, 0.2, 12)  # the mean 0.9 is above, its interval is not
    noise[:, 4, 2] = -0.9
    facts = map(make_fact, range(12))
    traces = join([make_trace(fact=f, noise=n) for f, n in zip(facts, noise, strict=True)])
    text = str(check_handoff(traces, "subject", "last", 3))
    assert "cells that break the claim:\n    layer 4, last: 0.100, claimed at least" in text
    assert "cells that are undecided:\n    layer 3, last: 0.900 [0.769" in text
    assert "effect by layer (* breaks the claim, ? is undecided):" in text
    (third,) = [line for line in text.splitlines() if line.split()[:1] == ["3"]]
    assert "0.900 [0.77, 1.03]?" in third
    (fourth,) = [line for line in text.splitlines() if line.split()[:1] == ["4"]]
    assert "0.100 [0.10, 0.10]*" in fourth


def test_split_divides_each_template():
    first, second = make_set(n=20, templates=5).split(0.5, seed=3)
    for part in (first, second):
        assert sorted(part.templates) == sorted([f"t{i}" for i in range(5)] * 2)


RARE = {
    "of several wordings": ("t" * 8, "1 fact says nothing of the others: add facts like it"),
    "of two wordings": ("aaaabbbb", "template 'a' has 1 fact"),
}


@pytest.mark.guarantee(
    "undefined",
    "A column that one fact of a set has is no evidence about the set, however high its effect is.",
    sees="An inconclusive verdict that says how many of the facts have such a token.",
)
@pytest.mark.parametrize(("templates", "said"), RARE.values(), ids=RARE)
def test_a_column_that_one_fact_has_decides_nothing_of_the_set(templates, said):
    # the subject of the first fact has two tokens, those of the others one
    subject = [(3, 4), *[(3,)] * 7]
    noise = np.zeros((6, 3))
    noise[:3, :2] = (-1, 1)
    traces = [
        make_trace(fact=make_fact(i), subject_positions=at, noise=noise if len(at) > 1 else None)
        for i, at in enumerate(subject)
    ]
    made = join(traces, list(templates))
    evidence = gather(made, Terms())
    rare = Requirement(column(evidence, "subject_rest"), (0, 1, 2), "at most", 0.3)
    alone = decide("nothing is there", evidence, [rare], Terms())
    localized = check_fact_localized(made, "resid_post@subject_last", (0, 2))
    for verdict in (alone, localized):
        assert verdict.status is Status.INCONCLUSIVE
        told = verdict.sentence
        assert told.startswith("There is no interval at subject_rest, which 1 of 8 facts have")
        assert said in told
    # what is false of all facts is false
    elsewhere = check_fact_localized(made, "resid_post@subject_last", (1, 2))
    assert elsewhere.status is Status.FAILED
    # of that fact alone it is a claim about existence
    assert check_fact_localized(traces[0], "resid_post@subject_last", (0, 2))
