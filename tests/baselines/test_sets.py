"""Sets of traces as baselines."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import trace

from pytest_interp.baselines.compare import changed, compare
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.wording import describe
from pytest_interp.figures import draw, traces_figure
from pytest_interp.results import Axis, Decision, Tolerance, TraceResult
from pytest_interp.results.traces import TraceSet


def traces(*hand_offs, ids=(), **values):
    ids = tuple(ids or "abcdefgh"[: len(hand_offs)])
    made = (trace(hand_off=layer, **values) for layer in hand_offs)
    # each of a fact of its own
    facts = tuple(
        replace(one, fact=replace(one.fact, clean_prompt=f"{i}: The capital of France is"))
        for i, one in zip(ids, made, strict=True)
    )
    return TraceSet(facts, ("plain",) * len(ids), ids)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_the_hand_off_is_the_first_layer_of_the_last_token(direction):
    assert traces(7, 3, 12, 0, direction=direction).hand_off_layers() == [7, 3, None, 0]


def test_a_relapse_counts_until_its_end():
    made = trace(hand_off=5)
    metric = np.array(made.patched_metric)
    metric[8, 3], metric[8, -1] = 5.0, -3.0
    values = {k: getattr(made, k) for k in made.__dataclass_fields__ if k != "recovery"}
    relapsed = TraceResult(**{**values, "patched_metric": metric})
    assert TraceSet((relapsed,), ("plain",), ("a",)).hand_off_layers() == [9]


def test_a_set_is_kept_and_compared_by_fact():
    old, new = Entry.of(traces(7, 7, 7)), Entry.of(traces(7, 8, 7))
    assert not compare(old, Entry.of(traces(7, 7, 7, shift=5e-4)))
    found = compare(old, new)
    assert changed(found)
    assert {c.path[:2] for c in found} == {
        ("hand_off", 1),
        ("subject_effect", 1),
        ("last_effect", 1),
    }


def test_a_hand_off_between_near_equals_flips_within_the_noise():
    def nearly(difference):
        made = trace(hand_off=7)
        metric = np.array(made.patched_metric)
        metric[7, 3] = metric[7, -1] + difference
        values = {k: getattr(made, k) for k in made.__dataclass_fields__ if k != "recovery"}
        return Entry.of(
            TraceSet((TraceResult(**{**values, "patched_metric": metric}),), ("plain",), ("a",))
        )

    # the metric's gap is 8: 0.002 of it is 0.00025 of recovery, a quarter of the tolerance
    old, new = nearly(-0.002), nearly(0.002)
    assert old.result["hand_off"] != new.result["hand_off"]
    assert not changed(compare(old, new))
    assert changed(compare(nearly(-1.0), nearly(1.0)))


def test_the_figure_has_a_row_for_each_fact():
    figure = traces_figure(traces(7, 3, 12))
    subject, last = figure.axes[:2]
    for axes, layers in ((subject, [7, 3, 12]), (last, [5, 9, 0])):
        (image,) = axes.images
        assert image.get_array().shape == (3, 12)
        assert (image.get_array() > 0.5).sum(axis=1).tolist() == layers
        assert (image.norm.vmin, image.norm.vmax) == (-1, 1)
        (marks,) = axes.collections
        assert [path.tolist() for path in marks.get_segments()] == [
            [[6.5, -0.5], [6.5, 0.5]],
            [[2.5, 0.5], [2.5, 1.5]],
        ], "a mark in each row that has a hand-off"
    assert [t.get_text() for t in subject.get_yticklabels()] == ["a", "b", "c"]
    assert "recovery (0 corrupt, 1 clean)" in [axes.get_ylabel() for axes in figure.axes]


def test_the_rows_of_a_long_set_are_named_too():
    for n, step in ((37, 1), (300, 5)):
        ids = tuple(f"fact-{i}" for i in range(n))
        many = traces(*[7] * n, ids=ids)
        named = [t.get_text() for t in traces_figure(many).axes[0].get_yticklabels()]
        assert named == list(ids[::step])
    assert len(draw(many).picture) < 60_000


@pytest.mark.guarantee(
    "messages",
    "A margin that moved is named by the finding that it decides.",
    sees="`margin of hand_off at fact 'a'` in place of `margins.hand_off[0]`.",
)
def test_a_margin_is_named_by_its_finding_and_its_fact():
    made = {
        "result": {"ids": ["a", "b"], "hand_off": [3, 3], "margins": {"hand_off": [0.5, 0.5]}},
        "tolerances": {"margins": Tolerance(0.1)},
        "provenance": {},
        "axes": {"hand_off": (Axis("fact", "ids"),)},
        "findings": {"hand_off": Decision("margins.hand_off")},
    }
    old = Entry(**made)
    new = Entry(**{**made, "result": {**made["result"], "margins": {"hand_off": [0.5, 0.9]}}})
    (line,) = describe(compare(old, new), old, new)
    assert line.startswith("margin of hand_off at fact 'b': 0.5 -> 0.9, by +0.4 (allowed 0.1")
