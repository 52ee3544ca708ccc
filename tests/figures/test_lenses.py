"""The figure of a set of logit lenses."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens, lens_set
from rasters import distance, image

from pytest_interp.figures import draw, lenses_figure
from pytest_interp.results import LensSet


def test_facts_down_layers_across_and_the_settled_layer_of_each_marked():
    made = lens_set(8, 3, 12)
    figure = lenses_figure(made)
    above, below = figure.axes[:2]
    (drawn,) = above.images
    np.testing.assert_array_equal(drawn.get_array(), made.answer_margin())
    assert drawn.norm.vmin == -drawn.norm.vmax
    assert drawn.norm(0.0) == pytest.approx(0.5), "white is where the answer takes the lead"
    (marks,) = above.collections
    assert [path.tolist() for path in marks.get_segments()] == [
        [[7.5, -0.5], [7.5, 0.5]],
        [[2.5, 0.5], [2.5, 1.5]],
    ], "none where the answer never comes to stay"
    assert [t.get_text() for t in above.get_yticklabels()] == ["a", "b", "c"]
    mean, settled, _ = below.lines
    np.testing.assert_allclose(mean.get_ydata(), made.answer_prob().mean(axis=0))
    np.testing.assert_allclose(settled.get_ydata(), [0] * 3 + [1 / 3] * 5 + [2 / 3] * 4)


def test_the_layers_that_were_read_are_on_the_axis():
    names = ("answer_prob", "answer_rank", "answer_margin", "top_margin")
    whole = lens(crossover=8)
    part = {name: getattr(whole, name)[6::2] for name in names}
    some = replace(whole, layers=(6, 8, 10), top_token=whole.top_token[6::2], **part)
    figure = lenses_figure(LensSet((some,), ("t",), ("a",)))
    above, below = figure.axes[:2]
    assert [t.get_text() for t in below.get_xticklabels()] == ["6", "8", "10"]
    assert above.collections[0].get_segments()[0][0][0] == 0.5


def test_its_files_are_small_and_forgive_what_the_numbers_forgive():
    drawing = draw(lens_set(8, 3, 12))
    assert image(drawing.picture).size[0] == 800
    assert len(drawing.picture) < 60_000
    assert distance(drawing.raster, draw(lens_set(8, 3, 12, shift=1e-3)).raster) < 0.05
    assert distance(drawing.raster, draw(lens_set(9, 3, 12)).raster) > 0.05


def test_undefined_margins_are_drawn_as_undefined():
    made = lens(crossover=8)
    margin = np.where(np.arange(12) == 9, np.nan, made.answer_margin)
    lost = LensSet((replace(made, answer_margin=margin),), ("t",), ("a",))
    (drawn,) = lenses_figure(lost).axes[0].images
    assert np.ma.masked_invalid(drawn.get_array()).mask.sum() == 1
    assert draw(lost).picture


def test_a_raster_leaves_out_what_flips_on_a_hair():
    def by(lead):
        one = lens(crossover=8)
        margin = np.where(np.arange(12) == 9, lead, one.answer_margin)
        return LensSet((replace(one, answer_margin=margin),), ("t",), ("a",))

    assert (by(3e-4).settled_layers(), by(-3e-4).settled_layers()) == ([8], [10])
    assert distance(draw(by(3e-4)).raster, draw(by(-3e-4)).raster) < 0.05
