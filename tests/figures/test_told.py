"""Figures of labelled prompts: they draw without a warning, with their axes named."""

import warnings
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text
from told_results import KINDS, told_results

from pytest_interp.figures import figure_of, picture


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_draws_without_warnings(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = figure_of(told_results("nnsight")[kind])
        picture(figure)
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert any(axes.get_xlabel() for axes in figure.axes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_names_the_model_and_its_classes(kind):
    result = told_results("nnsight")[kind]
    figure = figure_of(result)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    said = "\n".join([*titles, figure.get_suptitle()])
    assert said.strip().startswith("planted: ")
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    named = [text.get_text() for one in legends if one for text in one.get_texts()]
    for label in result.classes:
        assert any(label in text for text in [*named, said]), label


@pytest.mark.parametrize("sign", [-1, 0, 1], ids=["at the bottom", "in the middle", "at the top"])
def test_labels_of_baselines_that_are_near_one_another_can_be_read(sign):
    result = told_results("nnsight")["probe"]
    rows = sign * np.where(result.first, 1.0, -1.0)
    alike = replace(result, baseline_scores=np.tile(rows, (len(result.baselines), 1)))
    figure = figure_of(alike)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [
        Text.get_window_extent(text, canvas.get_renderer())
        for text in figure.findobj(Annotation)
        if text.get_text()
    ]
    assert len(boxes) == len(result.baselines)
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1


def test_the_curves_of_the_classes_differ_in_more_than_colour():
    for kind in ("steer", "trajectories"):
        result = told_results("nnsight")[kind]
        axes = figure_of(result).axes[0]
        lines = {line.get_label(): line for line in axes.lines}
        drawn = [
            line.get_linestyle()
            for name, line in lines.items()
            if name.split(",")[0] in result.classes
        ]
        assert len(drawn) == len(set(drawn)) == 2, kind
