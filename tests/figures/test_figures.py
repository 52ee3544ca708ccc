"""What figures show: marks, axes, labels and titles."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from made_results import lens, lens_set, replaced, trace
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from rasters import image

from pytest_interp.figures import draw, figure_of, lens_figure, picture, raster, trace_figure
from pytest_interp.figures.style import BLUE, quoted, token_label
from pytest_interp.results import TraceSet


def texts(figure):
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def dashed_lines(figure, style="--"):
    found = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == style]
    return {line.get_xdata()[0] for line in found}


def test_the_lens_shows_lead_and_rank_and_marks_the_crossover():
    result = lens(crossover=8)
    figure = lens_figure(result)
    lead, rank = figure.axes[0].lines[1], figure.axes[1].lines[0]
    np.testing.assert_array_equal(lead.get_ydata(), result.answer_margin)
    assert any("has probability 0.8 at the end" in text for text in texts(figure))
    np.testing.assert_array_equal(rank.get_ydata(), result.answer_rank + 1)
    assert dashed_lines(figure) == {8}
    assert "first on top at layer 8, and stays there" in texts(figure)
    low, high = figure.axes[1].get_ylim()
    assert low > high, "the top token is above"


def test_a_crossover_that_is_never_reached_has_no_mark():
    figure = lens_figure(lens(crossover=12))
    assert dashed_lines(figure) == set()
    assert "never on top" in texts(figure)


def test_an_answer_that_loses_its_place_has_two_marks_with_room_for_their_labels():
    made = lens(crossover=4)
    margin = np.array(made.answer_margin)
    margin[7:11] = -1
    figure = lens_figure(replace(made, answer_margin=margin))
    assert {"first on top at layer 4", "stays on top from layer 11"} <= set(texts(figure))
    assert dashed_lines(figure) == {4}
    assert dashed_lines(figure, ":") == {11}
    labels = [t for t in figure.findobj(Text) if "on top" in t.get_text()]
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in labels]
    highest = figure.axes[0].transData.transform((0, made.answer_margin.max()))[1]
    assert all(box.y0 > highest for box in boxes), "no curve comes where the labels are"
    assert not boxes[0].overlaps(boxes[1])


def test_the_map_is_centred_on_zero_so_that_negative_cells_show():
    figure = trace_figure(trace(negative=0.5))
    (heatmap,) = figure.axes[0].images
    assert (heatmap.norm.vmin, heatmap.norm.vmax) == (-1, 1)
    colour = {value: heatmap.cmap(heatmap.norm(value)) for value in (-0.5, 0.0, 0.5)}
    assert colour[-0.5][2] > colour[-0.5][0], "negative is purple"
    assert colour[0.5][0] > colour[0.5][2], "positive is orange"
    assert min(colour[0.0][:3]) > 0.95, "zero is white"
    np.testing.assert_array_equal(heatmap.get_array().T, trace(negative=0.5).effect)


def test_tokens_are_on_the_axis_and_the_subject_is_marked():
    labels = trace_figure(trace()).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["The", " capital", " of", " France", " is"]
    marked = [label.get_text() for label in labels if label.get_color() == BLUE]
    assert marked == [" France"]


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_the_hand_off_is_marked_in_both_directions(direction):
    figure = trace_figure(trace(hand_off=7, direction=direction))
    assert dashed_lines(figure) == {6.5}
    assert "hand-off at layer 7" in texts(figure)


def test_without_a_hand_off_none_is_marked():
    assert dashed_lines(trace_figure(trace(hand_off=12))) == set()


def test_the_mark_is_the_hand_off_of_the_result_however_weak():
    made = trace(hand_off=7)
    # all effects a fifth of what they were, and one relapse: the hand-off is after it
    metric = -3.0 + (made.patched_metric + 3.0) / 5
    metric[9] = metric[0]
    weak = replaced(made, patched_metric=metric)
    assert weak.hand_off()[0] == 10
    assert dashed_lines(trace_figure(weak)) == {9.5}


def test_no_hand_off_is_marked_at_the_first_layer_or_beside_the_residual_stream():
    first = trace(hand_off=0)
    assert first.hand_off()[0] == 0
    assert dashed_lines(trace_figure(first)) == set()
    for site in ("attn_out", "mlp_out"):
        written = replaced(trace(hand_off=7), site=site)
        assert written.hand_off()[0] == 7
        assert dashed_lines(trace_figure(written)) == set()
    entering = replaced(trace(hand_off=7), site="resid_pre")
    assert dashed_lines(trace_figure(entering)) == {6.5}


def test_an_undefined_trace_is_drawn_as_undefined():
    figure = trace_figure(replaced(trace(), corrupt_metric=5.0))
    (heatmap,) = figure.axes[0].images
    assert np.ma.masked_invalid(heatmap.get_array()).mask.all()
    assert picture(figure)


# The threshold of the comparison is 0.05 %: what the numbers' tolerance of 1e-3 allows must stay
# below it, and a mechanism that moves by one layer must exceed it.


class Own:
    def to_figure(self):
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([0, 1], [1, 0], label="falls")
        figure.axes[0].legend()
        figure.suptitle("mine")
        return figure


def test_results_of_others_bring_their_own_figure():
    drawing = draw(Own())
    assert image(drawing.raster).size == (400, 300)
    assert draw(object()) is None


def test_legends_and_titles_are_text_too():
    class Untitled(Own):
        def to_figure(self):
            figure = Figure(figsize=(3, 2))
            figure.subplots().plot([0, 1], [1, 0])
            return figure

    assert raster(figure_of(Own())) == raster(figure_of(Untitled()))


def test_labels_show_what_cannot_be_seen():
    assert token_label(" ") == "␣"
    assert token_label("\n") == "⏎"
    assert token_label(" cost$") == r" cost\$"
    assert quoted("x" * 200) == "“" + "x" * 32 + "…" + "x" * 32 + "”"
    assert to_hex(BLUE) == "#0072b2"


def test_pyplot_is_never_imported():
    code = (
        "import sys; from made_results import lens, trace; from pytest_interp.figures import draw\n"
        "draw(lens()).picture, draw(trace()).raster\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=__file__.rsplit("/figures", 1)[0])
    assert done.returncode == 0


@pytest.mark.guarantee(
    "red",
    "A prompt in a script that the font lacks is drawn, and warns of nothing.",
    sees="The escapes of those signs in the figure.",
)
@pytest.mark.parametrize("text", ["日本の首都は", " \U0001f984 is", "a\ue000b"])
@pytest.mark.filterwarnings("error")
def test_signs_that_the_font_lacks_are_drawn_as_escapes(text):
    made = trace()
    fact = replace(made.fact, clean_prompt=text, corrupt_prompt=text + "x", subject=None)
    of_trace = replace(made, fact=fact, str_tokens=(text,) * 5)
    of_lens = replace(lens(), prompt=text, answer=text)
    of_set = replace(lens_set(8, 3), name=text, ids=(text, "b"))
    of_traces = TraceSet((of_trace,), ("plain",), (text,), name=text)
    for result in (of_trace, of_lens, of_set, of_traces):
        assert picture(figure_of(result))
        assert draw(result).raster
    (label, *_) = trace_figure(of_trace).axes[0].get_yticklabels()
    assert "\\" in label.get_text()


@pytest.mark.guarantee(
    "messages",
    "Titles, names of curves and names of rows are whole, and none is drawn over another.",
    sees="Every title and label within the picture and apart from the others.",
)
def test_titles_of_long_prompts_are_not_cut():
    long = "The capital of a country far away " * 6
    made = trace()
    fact = replace(made.fact, clean_prompt=long, corrupt_prompt=long + "so", subject=None)
    for figure in (
        trace_figure(replace(made, fact=fact)),
        lens_figure(replace(lens(), prompt=long)),
    ):
        picture(figure)
        (title,) = (t for t in figure.findobj(Text) if "The capital" in t.get_text())
        box = title.get_window_extent()
        assert box.x1 < figure.bbox.x1
        assert box.y1 < figure.bbox.y1


@pytest.mark.guarantee(
    "messages",
    "Titles, names of curves and names of rows are whole, and none is drawn over another.",
    sees="Every title and label within the picture and apart from the others.",
)
@pytest.mark.parametrize("hand_off", [1, 7, 11])
def test_the_names_of_the_curves_do_not_overlap(hand_off):
    made = trace(hand_off=hand_off)
    metric = made.patched_metric.copy()
    metric[:, -1] = metric[:, 3]  # both peak at one layer
    figure = trace_figure(replace(made, patched_metric=metric))
    picture(figure)
    names = [t for t in figure.findobj(Text) if t.get_text() in ("subject", "last token")]
    first, second = (name.get_window_extent() for name in names)
    assert not first.overlaps(second)


@pytest.mark.guarantee(
    "messages",
    "Ranks count from zero in figures, as in results and tables.",
    sees="0 is the top token.",
)
def test_ranks_are_counted_from_zero_as_in_results():
    axes = lens_figure(lens(crossover=8)).axes[1]
    assert "0 = top token" in axes.get_ylabel()
    label = axes.yaxis.get_major_formatter()
    ranks = axes.lines[0].get_ydata()
    assert [label(rank) for rank in (ranks[0], ranks[-1])] == ["5", "0"]
