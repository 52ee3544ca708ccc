"""What a claim names is drawn over the figure of its result, where the figure is no baseline."""

from dataclasses import replace

import pytest
from made_results import lens, lens_set, trace
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from pytest_interp.claims import (
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_no_effect,
    check_sufficient,
)
from pytest_interp.figures import draw, figure_of, picture, register_figure
from pytest_interp.figures.style import BLUE, ORANGE
from pytest_interp.results import LensResult
from pytest_interp.specs.bounds import Bound, check_bound
from tests.figures.test_sets import trace_set


def named(figure):
    """The lines of the legend of what was claimed."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def shaded(axes):
    """Colour and corners of every shaded area that the legend names."""
    areas = [c for c in axes.collections if c.get_label().startswith("claimed")]
    boxes = [area.get_paths()[0].get_extents().extents.round(2).tolist() for area in areas]
    return [(to_hex(c.get_facecolor()[0]), box) for c, box in zip(areas, boxes, strict=True)]


def frames(axes):
    dashed = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_linestyle() == "--"]
    return [(*p.get_xy(), p.get_width(), p.get_height()) for p in dashed]


def traced(**changes):
    return replace(trace(hand_off=7, **changes), n_layers=12)


@pytest.mark.guarantee(
    "red",
    "The figure of `pytest-interp run` shows the layers and the limits that the claims name.",
    sees="Shaded where the curves must be, framed in the map, named in a legend.",
)
def test_a_localized_fact_is_framed_and_its_limits_are_shaded():
    made = traced()
    verdict = check_fact_localized(made, "resid_post@subject", (0, 6), inside=0.7, outside=0.2)
    assert verdict
    figure = figure_of(made, verdict.ranges)
    above, below = figure.axes[:2]
    assert frames(above) == [(-0.5, 2.5, 7.0, 1)]
    assert shaded(below) == [
        (BLUE.lower(), [-0.5, 0.7, 6.5, 1.3]),
        (BLUE.lower(), [6.5, -0.6, 11.5, 0.2]),
        (ORANGE.lower(), [-0.5, -0.6, 6.5, 0.2]),
    ]
    assert named(figure) == [
        "claimed: subject at least 0.70 in layers 0 to 6 (framed in the map)",
        "claimed: subject at most 0.20 in layers 7 to 11",
        "claimed: 4 ' is' at most 0.20 in layers 0 to 6",
    ]


@pytest.mark.parametrize("last", [3, 9], ids=["passing", "failing"])
def test_a_false_claim_is_drawn_as_a_true_one_is(last):
    verdict = check_sufficient(traced(), "resid_post@subject", (2, last))
    assert bool(verdict) == (last == 3)
    figure = figure_of(traced(), verdict.ranges)
    assert shaded(figure.axes[1]) == [(BLUE.lower(), [1.5, 0.8, last + 0.5, 1.3])]


def test_tokens_without_a_curve_are_in_the_map_alone():
    made = traced()
    figure = figure_of(made, check_sufficient(made, "resid_post@3", 5).ranges)
    assert shaded(figure.axes[1]) == []
    assert frames(figure.axes[0]) == [(4.5, 2.5, 1.0, 1)]
    assert named(figure) == ["claimed: 3 at least 0.80 in layer 5"]


def test_no_effect_is_a_band_around_zero():
    made = traced()
    figure = figure_of(made, check_no_effect(made, "resid_post@last", (0, 2)).ranges)
    assert shaded(figure.axes[1]) == [(ORANGE.lower(), [-0.5, -0.1, 2.5, 0.1])]
    assert frames(figure.axes[0]) == []
    assert named(figure) == ["claimed: last -0.10 to 0.10 in layers 0 to 2"]


def test_ranges_lie_at_the_layers_that_were_traced():
    made = traced()
    some = (3, 6, 7, 9)
    made = replace(made, layers=some, patched_metric=made.patched_metric[list(some)])
    verdict = check_handoff(made, "subject", "last", 7)
    assert [(one.of, one.first, one.last) for one in verdict.ranges] == [
        ("subject", 3, 6),
        ("last", 3, 6),
        ("subject", 7, 9),
        ("last", 7, 9),
    ]
    figure = figure_of(made, verdict.ranges)
    assert frames(figure.axes[0]) == [(-0.5, 2.5, 2.0, 1), (1.5, 3.5, 2.0, 1)]


def test_a_set_has_the_thresholds_of_its_claim_in_place_of_the_default_ones():
    made = trace_set()
    made = replace(made, traces=tuple(replace(one, n_layers=12) for one in made))
    verdict = check_handoff(made, "subject", "last", 7, within=1, inside=0.6, outside=0.25)
    means = figure_of(made, verdict.ranges).axes[2]
    assert shaded(means) == [
        (BLUE.lower(), [-0.5, 0.6, 5.5, 1.4]),
        (ORANGE.lower(), [-0.5, -0.6, 5.5, 0.25]),
        (BLUE.lower(), [7.5, -0.6, 11.5, 0.25]),
        (ORANGE.lower(), [7.5, 0.6, 11.5, 1.4]),
    ]
    assert "by default" not in means.get_title(loc="left")
    assert not [line for line in means.lines if line.get_linestyle() == ":"]
    plain = figure_of(made).axes[2]
    assert len([line for line in plain.lines if line.get_linestyle() == ":"]) == 2


@pytest.mark.parametrize(
    ("bound", "ends"),
    [
        ({"at_most": 8.5}, (-0.5, 8.5)),
        ({"at_least": 5}, (4.5, 11.5)),
        ({"at_least": 7, "at_most": 9}, (6.5, 9.5)),
        ({"equals": 3}, (2.5, 3.5)),
    ],
)
@pytest.mark.parametrize("made", [lens(crossover=8), lens(crossover=12)], ids=["at 8", "never"])
def test_bounds_of_a_crossover_are_shaded_in_both_panels(made, bound, ends):
    verdict = check_bound(made, "crossover_layer", Bound(**bound))
    figure = figure_of(made, verdict.ranges)
    for axes in figure.axes:
        (span,) = axes.patches
        assert (span.get_x(), span.get_x() + span.get_width()) == ends
    (line,) = named(figure)
    assert line.startswith("claimed: crossover_layer in layer")


def test_a_bound_that_no_layer_keeps_shades_none():
    verdict = check_bound(lens(crossover=8), "settled_layer", Bound(at_least=40))
    assert not verdict
    assert verdict.ranges == ()


def test_crystallising_is_shaded_for_one_lens_and_for_a_set():
    one, some = lens(crossover=8), lens_set(4, 5, 7, 8, 8)
    single = figure_of(one, check_crystallises(one, by_layer=9, not_before=2).ranges)
    (span,) = single.axes[0].patches
    assert (span.get_x(), span.get_width()) == (1.5, 8.0)
    of_set = figure_of(some, check_crystallises(some, by_layer=9, not_before=2).ranges)
    spans = [p for p in of_set.axes[1].patches if p.get_label().startswith("claimed")]
    assert [(p.get_x(), p.get_width()) for p in spans] == [(2, 7)]
    assert named(of_set) == ["claimed: settled layer in layers 2 to 9"]


def test_two_equal_claims_are_drawn_once():
    made = traced()
    ranges = check_sufficient(made, "resid_post@subject", (0, 3)).ranges
    assert len(frames(figure_of(made, ranges * 2).axes[0])) == 1


@pytest.mark.parametrize(
    "made",
    [trace(), lens(), trace_set(), lens_set(4, 5)],
    ids=["trace", "lens", "traces", "lenses"],
)
def test_a_figure_without_claims_is_what_baselines_hold(made):
    figure = figure_of(made)
    assert figure.legends == []
    assert picture(figure) == draw(made).picture


def test_a_figure_of_another_package_is_told_where_it_asks():
    class Plain(LensResult):
        pass

    class Asking(LensResult):
        pass

    told = []
    register_figure(Plain, lambda result: told.append("plain"))
    register_figure(Asking, lambda result, claimed=(): told.append(claimed))
    ranges = check_crystallises(lens(), by_layer=9).ranges
    for kind in (Plain, Asking):
        figure_of(kind(**vars(lens())), ranges)
    assert told == ["plain", ranges]


def test_the_legend_takes_no_room_from_the_panels():
    made = traced()
    plain, marked = (
        figure_of(made, claimed)
        for claimed in ((), check_handoff(made, "subject", "last", 7).ranges)
    )
    for figure in (plain, marked):
        picture(figure)
    heights = [f.axes[1].get_window_extent().height for f in (plain, marked)]
    assert heights[1] > 0.9 * heights[0]
    assert marked.bbox.height > plain.bbox.height
