"""Rasters, which baselines compare: what they forgive, and what they show."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens, replaced, trace
from rasters import distance, image

from pytest_interp.figures import draw, lens_figure


def test_a_raster_leaves_out_what_may_flip_within_the_noise():
    made = lens(crossover=4)
    rank = np.array(made.answer_rank)
    rank[5], rank[:4] = 1, 6
    margin = np.array(made.answer_margin)
    margin[5] = 3e-4
    made = replace(made, answer_margin=margin)
    changed = replace(made, answer_rank=rank, answer_margin=np.where(margin == 3e-4, -3e-4, margin))
    assert changed.settled_layer != made.settled_layer
    assert distance(draw(changed).raster, draw(made).raster) < 0.05


@pytest.mark.parametrize(
    "result", [lens(), trace(), trace(tokens=25)], ids=["lens", "trace", "long"]
)
def test_a_picture_is_as_wide_as_a_readme_and_small(result):
    png = draw(result).picture
    assert image(png).size[0] == 800
    assert len(png) < 60_000


def test_a_raster_has_one_size_and_mode_and_no_text():
    rasters = [image(draw(result).raster) for result in (lens(), trace(), trace(tokens=25))]
    assert {r.size for r in rasters} == {(400, 300)}
    assert {r.mode for r in rasters} == {"RGB"}
    # other words, other units: the same raster
    made = trace()
    renamed = replaced(made, site="mlp_out", str_tokens=tuple("abcde"))
    assert draw(made).raster == draw(renamed).raster


@pytest.mark.parametrize("make", [lens, trace])
def test_a_raster_forgives_what_the_numbers_forgive(make):
    assert distance(draw(make()).raster, draw(make(shift=1e-3)).raster) < 0.05


def test_a_raster_of_a_lens_forgives_what_the_leads_forgive():
    made = replace(lens(), answer_margin=np.linspace(-34.0, 3.0, 12))
    moved = replace(made, answer_margin=made.answer_margin + 1e-3)
    assert distance(draw(made).raster, draw(moved).raster) < 0.05


@pytest.mark.guarantee(
    "messages",
    "The curve of a logit lens can be read however small the probability of the answer is.",
    sees="Leads in logits, small and large ones on one axis, in place of a probability near 0.",
)
@pytest.mark.parametrize("most", [0.0, 4.9, 5.1, 300.0, np.nan])
def test_leads_of_any_size_are_within_the_axis_and_below_the_labels(most):
    made = replace(lens(), answer_margin=np.append(np.linspace(-90.0, -1.0, 11), most))
    axes = lens_figure(made).axes[0]
    ends = axes.transData.transform([(0, end) for end in axes.get_ylim()])[:, 1]
    leads = [(0, lead) for lead in made.answer_margin if np.isfinite(lead)]
    shown = axes.transData.transform(leads)[:, 1]
    assert ends[0] <= shown.min()
    assert (shown.max() - ends[0]) / (ends[1] - ends[0]) < 0.8
    below = axes.transData.transform([(0, -90), (0, -10), (0, -1)])[:, 1]
    assert np.diff(below).min() / (ends[1] - ends[0]) > 0.08, "each step can be seen"


@pytest.mark.parametrize(
    ("old", "new"),
    [(lens(crossover=8), lens(crossover=9)), (trace(hand_off=7), trace(hand_off=8))],
    ids=["lens", "trace"],
)
def test_a_raster_shows_a_move_by_one_layer(old, new):
    assert distance(draw(old).raster, draw(new).raster) > 0.15
