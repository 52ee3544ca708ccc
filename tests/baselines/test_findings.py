"""Which numbers decide a finding that flipped."""

import pytest
from made_results import lens, trace

from pytest_interp.results import Decision
from pytest_interp.results.findings import deciding_moves


def test_a_lead_of_one_is_the_other_s_way_behind():
    old, new = {"top": ["a", "b"], "m": [0.1, 0.2]}, {"top": ["a", "c"], "m": [0.1, 0.3]}
    assert deciding_moves(("top", 1), Decision("m"), old, new) == [("m", 0.2, -0.3)]
    # all that is below a list says nothing of one finding
    assert deciding_moves(("top",), Decision("m"), old, new) == []


def test_dots_lead_into_mappings_and_the_field_above_has_the_tolerance():
    old, new = ({"best": x, "margins": {"best": m}} for x, m in (("a", 1), ("b", 2)))
    assert deciding_moves(("best",), Decision("margins.best"), old, new) == [("margins", 1.0, -2.0)]


def signs(path, old, new):
    sides = ({"rank": 0, "m": m} for m in (old, new))
    return deciding_moves(("rank", *path), Decision("m", "sign"), *sides)


def test_a_sign_counts_at_the_same_index_and_only_where_it_flipped():
    assert signs((1,), [1, 2, 3], [-1, -2, 3]) == [("m", 2.0, -2.0)]
    assert signs((2,), [1, 2, 3], [-1, -2, 3]) == []


def test_one_finding_counts_every_sign_that_flipped():
    assert signs((), [1, 2, 3], [-1, 2, -3]) == [("m", 1.0, -1.0), ("m", 3.0, -3.0)]
    # of a row, where there is one finding a row
    assert signs((1,), [[1], [2]], [[-1], [-2]]) == [("m", 2.0, -2.0)]


def test_level_with_the_best_other_one_is_not_on_top():
    assert signs((), [0.0], [-1.0]) == []
    assert signs((), [0.0], [1.0]) == [("m", 0.0, 1.0)]


@pytest.mark.parametrize(
    ("how", "moves"), [("largest", [(4, 4), (3, 5)]), ("smallest", [(1, 0), (1, 0)])]
)
def test_an_extreme_counts_at_its_place_before_and_after(how, moves):
    old = {"peak": {"layer": 0, "position": 1}, "r": [[1, 4], [2, 3]]}
    new = {"peak": {"layer": 1, "position": 1}, "r": [[0, 4], [2, 5]]}
    found = deciding_moves(("peak", "layer"), Decision("r", how), old, new)
    assert found == [("r", float(a), float(b)) for a, b in moves]


@pytest.mark.parametrize("how", ["lead", "sign", "largest", "smallest"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"f": 1}, {"f": 2}),
        ({"f": 1, "m": [1.0, 2.0]}, {"f": 2, "m": [-1.0]}),
        ({"f": 1, "m": [[1.0], 2.0]}, {"f": 2, "m": [[1.0], 2.0]}),
        ({"f": 1, "m": "x"}, {"f": 2, "m": "y"}),
        ({"f": 1, "m": None}, {"f": 2, "m": None}),
        ({"f": 1, "m": []}, {"f": 2, "m": []}),
        ({"m": 0.0}, {"f": 2, "m": 0.0}),
        ({"f": 1, "m": 10**400}, {"f": 2, "m": 0}),
    ],
)
def test_where_nothing_can_be_said_no_number_decides(how, old, new):
    assert deciding_moves(("f",), Decision("m", how), old, new) == []


def test_the_findings_of_results_are_in_their_json():
    for made in (lens(), trace()):
        for field, decision in made.findings().items():
            assert {field, decision.by} <= made.to_json().keys()
