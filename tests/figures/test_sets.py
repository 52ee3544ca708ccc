"""What figures of sets draw of all facts: mean, interval that decides a claim, range."""

import inspect
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from made_results import lens_set, trace
from matplotlib.text import Text
from rasters import distance

from pytest_interp import FactPrompt
from pytest_interp.claims import (
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_sufficient,
)
from pytest_interp.figures import draw, figure_of, lenses_figure, picture, traces_figure
from pytest_interp.figures.traces import THRESHOLDS
from pytest_interp.results import TraceSet

SUBJECT, LAYER = 3, 5


def trace_set(n=6, templates=None):
    """Facts about pairs of their own, whose subjects differ in their effect."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(n):
        one = trace(hand_off=7)
        metric = one.patched_metric.copy()
        metric[:7, SUBJECT] += 0.4 * rng.normal()
        names = [f"Land{i}{side}" for side in "ab"]
        fact = FactPrompt(
            clean_prompt=f"The capital of {names[0]} is",
            corrupt_prompt=f"The capital of {names[1]} is",
            answer=f" {names[0]} town",
            counterfactual_answer=f" {names[1]} town",
            subject=names[0],
        )
        made.append(replace(one, fact=fact, patched_metric=metric))
    ids = tuple(f"fact-{i}" for i in range(n))
    return TraceSet(tuple(made), tuple(templates or ["plain"] * n), ids, name="made")


def text_of(figure):
    return " ".join(t.get_text() for t in figure.findobj(Text)).replace("\n", " ")


def band(collection, x):
    """Lower and upper end of a drawn band at a place."""
    points = collection.get_paths()[0].vertices
    at = points[np.isclose(points[:, 0], x)][:, 1]
    return at.min(), at.max()


@pytest.mark.guarantee(
    "red",
    "The band of a set's figure is the interval that decides a claim, and the figure says so.",
    sees="Mean, 95 % interval and range in the curves below the maps, each named above them.",
)
@pytest.mark.parametrize("templates", [None, ["plain", "city"] * 3])
def test_the_band_is_the_interval_of_the_verdict(templates):
    made = trace_set(templates=templates)
    figure = traces_figure(made)
    spread, interval, *_ = figure.axes[2].collections
    effect = made.effect("subject")[:, LAYER]
    assert band(spread, LAYER) == pytest.approx((effect.min(), effect.max()))
    verdict = check_sufficient(made, "resid_post@subject", LAYER)
    assert band(interval, LAYER)[0] == pytest.approx(verdict.effect.low)
    said = text_of(figure)
    assert "Mean of the 6 facts that the model knows; dark: its 95 % interval" in said
    assert ("widest of 2 templates" in said) == (templates is not None)
    assert "light: their range" in said


def test_facts_that_the_model_does_not_know_are_in_the_maps_alone():
    made = trace_set()
    unknown = replace(made.traces[0], clean_metric=-4.0, corrupt_metric=-3.0)
    some = replace(made, traces=(unknown, *made.traces[1:]))
    figure = traces_figure(some)
    assert len(figure.axes[0].images[0].get_array()) == 6
    subject = next(line for line in figure.axes[2].lines if line.get_marker() == "o")
    np.testing.assert_allclose(subject.get_ydata(), made.effect("subject")[1:].mean(0))
    assert "Mean of the 5 facts" in text_of(figure)
    assert "knows none of these facts" in text_of(traces_figure(some.pick([0])))


def test_one_fact_has_no_interval():
    figure = traces_figure(trace_set(1))
    assert "too few for an interval" in text_of(figure)
    assert picture(figure)


def test_the_thresholds_are_those_that_claims_have_by_default():
    for check in (check_handoff, check_fact_localized):
        terms = inspect.signature(check).parameters
        assert (terms["outside"].default, terms["inside"].default) == THRESHOLDS


def test_the_interval_of_the_settled_layer_is_that_of_the_verdict():
    made = lens_set(4, 5, 7, 8, 8)
    figure = lenses_figure(made)
    verdict = check_crystallises(made, by_layer=11)
    (span,) = figure.axes[1].patches
    low, high = verdict.effect.low, verdict.effect.high
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((low, high))
    assert f"its 95 % interval: {low:.1f} to {high:.1f}" in text_of(figure)
    assert "No answer leads clearly" in text_of(lenses_figure(lens_set(12, 12)))


@pytest.mark.guarantee(
    "messages",
    "A figure names the model that it is about.",
    sees="Its name in the title.",
)
@pytest.mark.parametrize("make", [trace, trace_set, lens_set], ids=["trace", "traces", "lenses"])
def test_the_model_is_in_the_title(make):
    made = make(8) if make is lens_set else make()
    assert re.search("made: (Clean into corrupt|logit lens)", text_of(figure_of(made)))


@pytest.mark.guarantee(
    "messages",
    "Titles, names of curves and names of rows are whole, and none is drawn over another.",
    sees="Every title and label within the picture and apart from the others.",
)
@pytest.mark.parametrize("n", [10, 37, 60, 150])
def test_names_of_rows_do_not_run_into_each_other(n):
    figure = traces_figure(trace_set(n))
    picture(figure)
    labels = [label for label in figure.axes[0].get_yticklabels() if label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
    assert all(one.y1 <= other.y0 for one, other in pairwise(boxes))


def test_a_raster_of_a_set_forgives_what_the_numbers_forgive():
    made = trace_set()
    moved = tuple(replace(t, patched_metric=t.patched_metric + 8e-3) for t in made.traces)
    assert distance(draw(made).raster, draw(replace(made, traces=moved)).raster) < 0.05


@pytest.mark.parametrize("length", [0, 30])
def test_long_names_of_facts_leave_room_for_maps_and_titles(length):
    made = trace_set(6, ["plain", "city", "country"] * 2)
    made = replace(made, ids=tuple(one + "-of a land" * length for one in made.ids))
    figure = traces_figure(made)
    picture(figure)
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        if text.get_visible() and text.get_text():
            assert box.x0 >= 0, text.get_text()
            assert box.x1 <= figure.bbox.x1, text.get_text()
    assert figure.axes[0].get_window_extent().width > 200
