"""Figures of heads: they draw without a warning and say what they show."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from made_heads import attribution, patterns, plain, scores

from pytest_interp.figures import figure_of, picture

ADDS = attribution({"head.2.1": 3.0, "head.2.2": -1.0, "mlp_out.1": 2.0, "embed": 0.5, "bias": 1.0})
LOOKS = patterns({"head.1.2": 0.7, "head.0.3": 0.3})
RESULTS = {
    "attribution": ADDS,
    "attribution of one fact": ADDS.pick([0]),
    "attribution before a cap": replace(ADDS, softcap=30.0),
    "attribution of nothing": attribution({}),
    "undefined attribution": replace(ADDS, contributions=np.full_like(ADDS.contributions, np.nan)),
    "attention": LOOKS,
    "attention in prompts": plain(LOOKS),
    "undefined attention": replace(
        LOOKS, patterns=tuple(np.full_like(pattern, np.nan) for pattern in LOOKS.patterns)
    ),
    "scores": scores({"induction": {"head.1.2": 0.8}}),
    "undefined scores": scores({"induction": {"head.1.2": np.nan}}),
}


def texts(figure):
    axes = figure.get_axes()
    return [*(one.get_title(loc="left") for one in axes), figure.get_suptitle()]


@pytest.mark.parametrize("name", RESULTS)
def test_a_figure_draws_without_warnings(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = figure_of(RESULTS[name])
        picture(figure)
    assert any(axes.get_xlabel() for axes in figure.get_axes())
    assert any(title.startswith("made: ") for title in texts(figure))


def test_the_running_sum_begins_at_the_embedding_and_ends_at_the_whole():
    above, below, *_ = figure_of(ADDS).get_axes()
    (line,) = [one for one in above.lines if len(one.get_xdata()) > 2]
    heights = line.get_ydata()
    assert heights[0] == pytest.approx(ADDS.mean["embed"])
    assert heights[-1] == pytest.approx(ADDS.total.mean())
    assert len(heights) == len(ADDS.layers) + 2
    bars = [bar.get_height() for bar in above.patches]
    assert bars == pytest.approx([0, 0, 2, 0, 2, 0], abs=0.01)
    (image,) = below.images
    np.testing.assert_allclose(image.get_array(), ADDS.head_map().T)
    assert {text.get_text() for text in below.texts} == {"2.1", "2.2"}


def test_the_map_of_attention_is_that_to_the_subject_and_three_heads_are_drawn():
    axes = figure_of(LOOKS).get_axes()
    image = axes[0].images[0].get_array()
    assert image.shape == (LOOKS.n_heads, len(LOOKS.layers))
    assert image[2, 1] == pytest.approx(0.7, abs=0.01)
    titles = [one.get_title(loc="left") for one in axes]
    assert [title for title in titles if title.startswith("head.")][:2] == ["head.1.2", "head.0.3"]
    assert "to the subject" in titles[0]
    assert "between the first and itself" in figure_of(plain(LOOKS)).get_axes()[0].get_title("left")


def test_scores_have_a_map_each_and_their_controls():
    found = scores({"induction": {"head.1.2": 0.8}}, control=0.13)
    panels = figure_of(found).get_axes()[:3]
    assert [one.get_title(loc="left") for one in panels] == [
        f"{name} score (largest control 0.13)"
        for name in ("induction", "previous-token", "duplicate-token")
    ]
    assert [text.get_text() for text in panels[0].texts] == ["1.2"]
    assert not panels[1].texts
