"""Figures of labelled prompts: they draw without a warning, with their axes named."""

import warnings
from functools import cache

import pytest

from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.experiments.ablation import ablate_direction
from pytest_interp.experiments.directions import class_direction
from pytest_interp.experiments.probing import probe
from pytest_interp.experiments.steering import steer
from pytest_interp.experiments.trajectory import trajectories
from pytest_interp.figures import figure_of, picture
from pytest_interp.planted import planted_told_model

KINDS = ("probe", "steer", "ablate", "trajectories")


@cache
def made(backend):
    model = planted_told_model("gpt2")
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    adapter, prompts = open_adapter(weights, backend), model.prompts(48, seed=2)
    fitted, tried = prompts.split()
    direction = class_direction(adapter, fitted, 3)
    return {
        "probe": probe(adapter, prompts, shuffles=19, repeats=2),
        "steer": steer(adapter, tried, direction),
        "ablate": ablate_direction(adapter, tried, direction),
        "trajectories": trajectories(adapter, prompts),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_draws_without_warnings(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = figure_of(made("nnsight")[kind])
        picture(figure)
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert any(axes.get_xlabel() for axes in figure.axes)
