"""Figures of traces of heads and of sets of cells."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from made_facts import facts
from made_results import MADE

from pytest_interp import HeadTrace, JointTrace
from pytest_interp.figures import figure_of, picture
from pytest_interp.options.trace import TraceOptions

MOVED = np.zeros((2, 3, 4))
MOVED[:, 1, 2] = 6.0
COMMON = {
    "facts": facts(2),
    "clean": np.full(2, 4.0),
    "corrupt": np.full(2, -4.0),
    "provenance": MADE,
}
HEADS = HeadTrace(
    **COMMON,
    options=TraceOptions.of(site="head"),
    patched=MOVED - 4,
    position="last",
    layers=(0, 1, 2),
    heads=(0, 1, 2, 3),
    n_layers=3,
)
SETS = JointTrace(
    **COMMON,
    patched=np.array([[3.0, -4.0], [2.0, -3.5]]),
    names=("stored", "elsewhere"),
    cells=(("mlp_out.0-2@subject",), ("attn_out.0@0",)),
)
RESULTS = {
    "heads": HEADS,
    "some neurons": replace(
        HEADS, options=TraceOptions.of(site="mlp_neurons"), heads=(3, 8, 40, 41)
    ),
    "undefined": replace(HEADS, patched=np.full_like(MOVED, np.nan)),
    "sets": SETS,
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_figure_draws_without_warnings(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = figure_of(RESULTS[name])
        picture(figure)
    axes = figure.get_axes()[0]
    assert axes.get_title(loc="left").startswith("made: ")


def test_the_strongest_head_is_named_and_its_colour_is_its_effect():
    axes = figure_of(HEADS).get_axes()[0]
    assert [text.get_text() for text in axes.texts] == ["1.2"]
    (image,) = axes.images
    assert image.get_array()[2, 1] == pytest.approx(0.75)


def test_bars_are_mean_effects():
    axes = figure_of(SETS).get_axes()[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([6.5 / 8, 0.25 / 8])
