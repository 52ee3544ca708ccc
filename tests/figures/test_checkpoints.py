"""Claims over checkpoints as a figure."""

from pytest_interp.figures import checkpoints_figure, picture
from pytest_interp.figures.checkpoints import MOST, MarginLine

STEPS = ("step-0", "step-1000", "step-2000")


def line(name, *margins):
    statuses = tuple(None if m is None else "passed" if m > 0 else "failed" for m in margins)
    return MarginLine(name, margins, statuses)


def test_each_claim_is_a_row_on_a_scale_of_its_own():
    figure = checkpoints_figure(STEPS, [line("a", -0.4, 0.1, 0.3), line("b", -40.0, None, 30.0)])
    small, large = figure.axes
    assert small.get_ylim()[1] < 1 < large.get_ylim()[1]
    (curve,) = [one for one in large.lines if len(one.get_xdata()) == 2 and one.get_zorder() == 1]
    assert list(curve.get_xdata()) == [0, 2]  # where it was not reached there is no point
    assert [text.get_text() for text in large.get_xticklabels()] == list(STEPS)
    assert picture(figure).startswith(b"\x89PNG")


def test_a_claim_without_margins_is_drawn_at_its_outcome():
    outcomes = MarginLine("a", (None, None, None), ("failed", "inconclusive", "passed"))
    (axes,) = checkpoints_figure(STEPS, [outcomes]).axes
    heights = [offset[1] for marks in axes.collections for offset in marks.get_offsets()]
    assert sorted(heights) == [-1.0, 0.0, 1.0]


def test_many_claims_are_bounded_and_counted():
    figure = checkpoints_figure(STEPS, [line(f"{i}", 0.1, 0.2, 0.3) for i in range(MOST + 7)])
    assert len(figure.axes) == MOST
    assert "7 more claims are not shown" in figure.get_supxlabel()


def test_names_are_text_and_no_maths():
    figure = checkpoints_figure(["$x$", "b"], [line("a $\\frac$ b", 0.1, 0.2)])
    assert picture(figure)
