"""Figures of ablations and circuits: they draw without a warning and say what they show."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from made_ablations import ablations, made_circuit

from pytest_interp.figures import figure_of, picture

DROPS = {f"head.{layer}.{head}": layer / 10 for layer in range(10) for head in range(3)}
RESULTS = {
    "ablations": ablations({"head.2.3": 3.0, "head.1.0": 0.1, "both": 3.9}),
    "many": ablations(DROPS),
    "one fact": ablations({"head.2.3": 3.0}, spread=np.zeros(1)),
    "circuit": made_circuit(),
    "circuit without controls": replace(made_circuit(), random_circuits=()),
    "circuit without removals": replace(
        made_circuit(),
        removed=(),
        minimal_with=(),
        before_removal=np.zeros((8, 0)),
        after_removal=np.zeros((8, 0)),
    ),
    "undefined circuit": replace(made_circuit(), kept=np.full(8, np.nan)),
    "undefined": replace(ablations({"head.2.3": 3.0}), ablated=np.full((8, 1), np.nan)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_figure_draws_without_warnings(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = figure_of(RESULTS[name])
        picture(figure)
    assert any(axes.get_xlabel() for axes in figure.axes)
    titles = [axes.get_title(loc="left") for axes in figure.axes] + [figure.get_suptitle()]
    assert any(title.startswith("made: ") for title in titles)


def test_ablations_are_sorted_by_what_is_left():
    (axes,) = figure_of(RESULTS["ablations"]).axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["both", "head.2.3", "head.1.0"]


def test_of_many_those_that_change_the_metric_most_are_drawn():
    (axes,) = figure_of(RESULTS["many"]).axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert len(rows) == 24
    assert {f"head.{layer}.0" for layer in range(2, 10)} <= set(rows)
    assert "the 24 of 30 that change it most" in axes.get_title(loc="left")
