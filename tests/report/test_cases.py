"""Tests on several backends as one case, claims and results matched."""

from dataclasses import replace

import made_reports
import pytest
from made_reports import NN, TL, claim, one_test, result, run

from pytest_interp.report.axis import anchor, axis_of
from pytest_interp.report.cases import models_of
from pytest_interp.report.grids import facts_of, grids_of, largest_difference, tables_of
from pytest_interp.report.run import ShownRecord
from pytest_interp.report.views import comparisons, controls, pictures
from pytest_interp.results.base import Shown

SHOWN = ShownRecord(name="damage", start=1.0, factor=-1.0)


def cases(*tests):
    return [c for m in models_of(run(*tests)) for spec in m.specs for c in spec.cases]


def test_backends_of_a_test_are_one_case_with_the_worst_outcome():
    (case,) = cases(one_test(backend=TL), one_test(backend=NN, outcome="failed"))
    assert [test.backend for test in case.tests] == [TL, NN]
    assert case.outcome == "failed"
    assert case.seconds == 2.5


def test_models_and_checkpoints_are_apart():
    made = cases(one_test(), one_test(model="gpt2"), one_test(checkpoint="step-8"))
    assert len(made) == 3
    assert len({case.anchor for case in made}) == 3


def test_anchors_of_names_that_read_alike_differ_and_stay_the_same():
    tests = [one_test("test_a[x-y]"), one_test("test_a[x y]")]
    anchors = [case.anchor for case in cases(*tests)]
    assert anchors[0] != anchors[1]
    assert anchors == [case.anchor for case in cases(*tests)]


def test_claims_are_matched_by_their_words_and_a_missing_one_is_none():
    ours, theirs = claim(claim="a"), claim("failed", claim="b")
    (case,) = cases(one_test(claims=(ours, theirs)), one_test(backend=NN, claims=(theirs,)))
    assert [side.first.claim for side in case.claims] == ["b", "a"]  # what failed comes first
    assert case.claims[1].by_test[1][1] is None


def test_two_claims_of_the_same_words_are_two():
    (case,) = cases(one_test(claims=(claim(), claim())))
    assert len(case.claims) == 2


@pytest.mark.parametrize(
    ("states", "shown"), [(["same", "changed"], "changed"), (["same", "within"], "within")]
)
def test_the_state_that_needs_a_look_is_shown(states, shown):
    results = tuple(result(baseline=made_reports.baseline(state)) for state in states)
    (case,) = cases(one_test(results=results))
    assert case.state == shown


def test_backends_that_moved_alike_are_said_once():
    results = (result(baseline=made_reports.MOVED),)
    (case,) = cases(one_test(results=results), one_test(backend=NN, results=results))
    ((backends, found),) = comparisons(case.results[0])
    assert backends == f"{TL} and {NN}"
    assert found == made_reports.MOVED


def test_the_saved_figure_comes_first_and_the_same_one_stands_once():
    saved = made_reports.picture(7)
    same = result(figure=saved, baseline=made_reports.baseline(old_figure=saved))
    moved = result(figure=made_reports.picture(1), baseline=made_reports.baseline(old_figure=saved))
    (case,) = cases(one_test(results=(moved,)), one_test(backend=NN, results=(same,)))
    assert [label for label, *_ in pictures(case.results[0])] == [f"saved and {NN}", TL]


def test_controls_say_where_they_hold():
    other = claim(controls=claim().controls[:1])
    (case,) = cases(one_test(claims=(claim(),)), one_test(backend=NN, claims=(other,)))
    assert [found for _, found in controls(case.claims[0])] == [[True, True], [None, "absent"]]


def test_axis_shows_on_which_side_the_claim_holds():
    above = axis_of([claim()])
    assert above.claimed == (80.0, 100.0)
    assert above.marks[0].value == 93.0
    below = axis_of([claim(value=0.1, low=0.0, high=0.2, threshold=0.3, margin=0.1)])
    assert below.claimed == (0.0, 30.0)


def test_axis_is_as_wide_as_what_it_shows():
    drawn = axis_of([claim(value=29.0, low=29.0, high=29.0, threshold=29.5), None])
    assert drawn.marks[1] is None
    assert 0 < drawn.marks[0].value < drawn.threshold < 100
    assert all(0 <= at <= 100 for at, _ in drawn.ticks)
    assert len(drawn.ticks) >= 2


def test_without_a_number_there_is_no_axis():
    assert axis_of([claim(value=None, low=None, high=None)]) is None


def test_a_map_has_layers_across_and_tokens_down():
    (grid,) = grids_of(result())
    assert (grid.row, grid.column) == ("token", "layer")
    assert grid.rows[3] == " France"
    assert grid.values[3][1] == 1.01
    assert grid.values[4][0] == 0.0


def test_a_map_of_noising_shows_the_damage_as_its_figure_does():
    noised = made_reports.made_results.trace(direction="noise")
    moved = replace(result(noised, baseline=made_reports.MOVED), shown={})
    (plain,) = grids_of(moved)
    (grid,) = grids_of(replace(moved, shown={"recovery": SHOWN}))
    assert noised.shown() == {"recovery": Shown("damage", 1.0, -1.0)}
    assert grid.field == "damage"
    assert grid.values[3][1] == pytest.approx(1 - plain.values[3][1])
    assert grid.values[3][1] == pytest.approx(noised.effect[1, 3])
    assert grid.moved == ((3, 7, pytest.approx(1 - 0.97)),)


def test_curves_of_one_axis_are_one_table():
    lens = result(made_reports.made_results.lens())
    (table,) = tables_of(lens)
    assert table.row == "layer"
    assert {"answer_prob", "top_token"} <= {column.field for column in table.columns}
    assert facts_of(lens)["prompt"] == "The capital of France is"


def test_an_array_that_its_labels_do_not_fit_is_left_out():
    short = result()
    short.result["recovery"].pop()
    assert grids_of(short) == ()


def test_the_largest_difference_of_two_maps_is_found():
    other = result()
    other.result["recovery"][7][3] += 0.5
    by, where = largest_difference(result(), other)
    assert by == pytest.approx(0.5)
    assert where == "recovery at layer 7, token ' France'"


def test_cells_that_moved_are_marked_where_they_stand():
    (grid,) = grids_of(result(baseline=made_reports.MOVED))
    assert grid.moved == ((3, 7, 0.97),)  # token, layer


def test_a_case_gives_its_reason_where_its_claims_do_not():
    moved = one_test(claims=(claim(),), outcome="failed", message="moved from its baseline\n...")
    assert cases(moved)[0].reason == "moved from its baseline"
    false = one_test(claims=(claim("failed"),), outcome="failed", message="failed: ...")
    assert cases(false)[0].reason == ""


@pytest.mark.parametrize(
    ("value", "side"),
    [(0.05, "start"), (0.3, "middle"), (0.75, "end"), (0.81, "start"), (0.95, "end")],
)
def test_a_name_on_the_axis_keeps_clear_of_the_threshold(value, side):
    drawn = axis_of([claim(value=value, low=value, high=value)])
    assert anchor(drawn, drawn.marks[0]) == side


def test_models_of_which_nothing_was_measured_come_last():
    tests = [one_test(model="gpt2", outcome="skipped"), one_test(), one_test("test_b", model="b")]
    assert [m.name for m in models_of(run(*tests))] == ["smollm2-135m", "b", "gpt2"]
