"""Two results over the same facts, fact by fact."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import a_result

from pytest_interp.report.comparison.facts import compare_facts

IDS = [f"fact {i}" for i in range(12)]
AXES = {
    "lead": (("fact", "ids"),),
    "hand_off": (("fact", "ids"),),
    "effect": (("fact", "ids"), ("layer", "layers")),
}
SPREAD = np.linspace(3.0, 9.0, 12)


def side(lead=SPREAD, hand_off=(7,) * 12, effect=None, ids=IDS, shared=None):
    effect = np.tile([[0.1, 0.5, 0.9]], (12, 1)) if effect is None else effect
    result = {
        "ids": list(ids),
        "layers": [4, 5, 6],
        "lead": [None if np.isnan(x) else float(x) for x in lead],
        "hand_off": list(hand_off),
        "effect": np.asarray(effect, dtype=float).tolist(),
    }
    return a_result(result=result, axes=AXES, shared=shared or {})


def shift_of(before, after, field="lead"):
    (found,) = [shift for shift in compare_facts(before, after).shifts if shift.field == field]
    return found


def wobble(size, seed=0):
    drawn = np.random.default_rng(seed).normal(size=12)
    return size * (drawn - drawn.mean())


def test_a_mean_that_fell_by_more_than_noise_moved():
    found = shift_of(side(), side(lead=SPREAD - 2 + wobble(0.3)))
    assert found.judged == "moved"
    assert found.by == pytest.approx(-2.0)
    assert found.low < -2.0 < found.high < 0
    assert (found.n, found.before, found.after) == (12, pytest.approx(6.0), pytest.approx(4.0))


def test_a_little_of_everything_is_within_noise():
    found = shift_of(side(), side(lead=SPREAD + 0.01 + wobble(0.01)))
    assert found.low > 0  # it did move, and by nothing that counts
    assert found.judged == "within noise"


def test_facts_that_move_apart_decide_nothing():
    found = shift_of(side(), side(lead=SPREAD + wobble(4.0)))
    assert found.low < 0 < found.high
    assert found.judged == "inconclusive"


def test_the_furthest_fact_is_named_first():
    lead = SPREAD.copy()
    lead[3] -= 5
    first = shift_of(side(), side(lead=lead)).facts[0]
    assert (first.id, first.before - first.after) == ("fact 3", pytest.approx(5.0))


def test_facts_that_share_a_template_are_not_counted_as_independent():
    lead = SPREAD - np.repeat([1.6, 0.1], 6) + wobble(0.05)
    templates = {"templates": (("plain",),) * 6 + (("city",),) * 6}
    alone = shift_of(side(), side(lead=lead))
    assert alone.judged == "moved"
    clustered = shift_of(side(shared=templates), side(lead=lead, shared=templates))
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)
    assert clustered.judged == "inconclusive"


def test_of_several_layers_the_furthest_stands_for_all_and_the_others_are_counted():
    effect = np.tile([[0.1, 0.5, 0.9]], (12, 1)) + wobble(0.01)[:, None]
    effect[:, 1] -= 0.4
    found = shift_of(side(), side(effect=effect), "effect")
    assert (found.where, found.places, found.moved) == ("layer 5", 3, 1)
    assert found.confidence == pytest.approx(1 - 0.05 / 3)


def test_a_layer_per_fact_is_counted_and_not_averaged():
    after = side(hand_off=(7,) * 10 + (9, None))
    (flips,) = compare_facts(side(), after).flips
    assert (flips.field, flips.n) == ("hand_off", 12)
    assert [(f.id, f.before, f.after) for f in flips.facts] == [
        ("fact 10", 7, 9),
        ("fact 11", 7, None),
    ]


def test_facts_are_paired_by_their_ids_whatever_their_order():
    turned = side(lead=SPREAD[::-1], ids=IDS[::-1])
    found = compare_facts(side(), turned)
    assert [shift.judged for shift in found.shifts] == ["within noise"] * 2
    other = compare_facts(side(), side(ids=[*IDS[:10], "x", "y"]))
    assert (other.n, other.only_before, other.only_after) == (10, tuple(IDS[10:]), ("x", "y"))


def test_facts_without_a_number_take_no_part():
    lead = SPREAD - 2
    lead[:3] = np.nan
    assert shift_of(side(), side(lead=lead)).n == 9
    lead[:11] = np.nan
    assert "lead" not in [s.field for s in compare_facts(side(), side(lead=lead)).shifts]


@pytest.mark.parametrize("ids", [[], ["a"], ["a"] * 12])
def test_without_facts_there_is_nothing_to_pair(ids):
    assert compare_facts(side(ids=ids), side()) is None
