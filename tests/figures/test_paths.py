"""Figures of paths: the strongest of them, by receiver."""

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch

from pytest_interp import FactPrompt, FactSet
from pytest_interp.figures import figure_of, picture
from pytest_interp.options import PathOptions
from pytest_interp.results import PathResult


def paths(n_senders=12, receivers=("q.9.1@subject", "output"), fill=None):
    prompt = FactPrompt(
        clean_prompt="of land is",
        corrupt_prompt="of shore is",
        answer=" city",
        counterfactual_answer=" port",
        subject="land",
    )
    senders = ("embed", "mlp_out.0", *(f"head.{i}.{i}" for i in range(n_senders - 2)))
    effects = np.linspace(-0.3, 0.9, n_senders)[None, None] * np.array([1, 0.2])[:, None]
    return PathResult(
        facts=FactSet.of([prompt], "one", "plain"),
        options=PathOptions(),
        senders=senders,
        receivers=receivers,
        n_layers=30,
        clean=np.array([5.0]),
        corrupt=np.array([-5.0]),
        direction="noise",
        change=-10 * (effects if fill is None else np.full_like(effects, fill)),
    )


def texts(axes):
    return [one.get_text() for one in axes.texts]


def test_the_strongest_senders_of_each_receiver_have_an_arrow():
    result = paths()
    figure = figure_of(result)
    picture(figure)
    for axes, receiver in zip(figure.axes, result.receivers, strict=True):
        arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
        strongest = result.strongest(8, receiver)
        assert len(arrows) == 8
        for path in strongest:
            assert f"{path.sender}  {path.effect:+.2f}" in texts(axes)
        assert receiver in texts(axes)
        widths = [arrow.get_linewidth() for arrow in arrows]
        assert max(widths) <= 5
    assert "the 16 strongest of 24" in figure.get_suptitle()


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_nothing_to_draw_is_drawn(fill):
    figure = figure_of(paths(fill=fill))
    picture(figure)
    assert len(figure.axes) == 2
