"""A causal trace as a heatmap of tokens and layers, with the hand-off below it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytest_interp.figures import claimed as marks, style
from pytest_interp.results.base import Floats
from pytest_interp.results.claimed import ClaimedRange
from pytest_interp.results.roles import role_positions
from pytest_interp.results.trace import TraceResult

WORDS = {
    "denoise": ("recovery", "0 corrupt, 1 clean", "Clean into corrupt"),
    "noise": ("damage", "0 clean, 1 corrupt", "Corrupt into clean"),
}
"""By direction: what is measured, what its ends mean, and what is patched into what."""
_STREAM = ("resid_pre", "resid_post")
"""Sites that hold all that was written before them: there a fact goes from token to token."""


def trace_figure(result: TraceResult, claimed: Sequence[ClaimedRange] = ()) -> Figure:
    """The effect of every cell: tokens down, layers across; the subject's rows are framed.

    Colours are centred on zero and end at -1 and 1 in every figure, so that figures compare and
    negative effects show. Below are the strongest subject token and the last token over depth:
    where the lines cross, the fact is handed from one to the other.

    Of what is ``claimed``, cells that must have an effect are framed, and it is shaded where the
    two curves must be.
    """
    rows = result.n_positions
    heights = (0.27 * rows + 0.3, 1.5)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.3), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    _heat_map(figure, above, result)
    _curves(below, result)
    style.layer_ticks(below, result.layers)
    style.label(below, x=f"layer ({result.site})", y=WORDS[result.direction][0])
    for one in dict.fromkeys(claimed):
        _mark_claimed(above, below, result, one)
    marks.legend(figure, above, below)
    return figure


def effect_axis(axes: Axes, top: float) -> None:
    """Room for negative effects and for more than the whole gap, the same in every figure."""
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_ylim(-0.6, top)
    axes.set_yticks([-0.5, 0, 0.5, 1])
    style.tidy(axes)


def _heat_map(figure: Figure, axes: Axes, result: TraceResult) -> None:
    measure, ends, patched = WORDS[result.direction]
    image = style.heat_map(axes, result.effect.T, Normalize(-1.0, 1.0))
    style.colour_bar(figure, image, axes, f"{measure}\n({ends})", aspect=12)
    axes.set_yticks(range(result.n_positions), [style.token_label(t) for t in result.str_tokens])
    axes.tick_params(labelsize=9.5, length=0, bottom=False, labelbottom=False)
    subject = sorted(result.subject_positions)
    for position in subject:
        axes.get_yticklabels()[position].set(fontweight="bold", color=style.BLUE)
    for _, neighbours in groupby(enumerate(subject), lambda pair: pair[1] - pair[0]):
        run = [position for _, position in neighbours]
        frame = Rectangle(
            (-0.5, run[0] - 0.5),
            len(result.layers),
            len(run),
            fill=False,
            edgecolor=style.BLUE,
            linewidth=2.2,
            clip_on=False,
        )
        axes.add_patch(frame)
    clean = style.quoted(result.fact.clean_prompt)
    corrupt = result.options.corruption.describe(result.fact)
    is_prompt = corrupt == result.fact.corrupt_prompt
    corrupt = style.quoted(corrupt) if is_prompt else style.drawable(corrupt)
    done = f"{patched}, {result.site}, {result.metric}\n{clean}\nagainst {corrupt}"
    style.title(axes, style.of_model(result, done))


def _curves(axes: Axes, result: TraceResult) -> None:
    last = result.n_positions - 1
    subject = [p for p in result.subject_positions if p != last]
    if subject:
        _curve(axes, result.effect[:, subject].max(axis=1), style.BLUE, "o")
        style.note(axes, "subject", (0, 1.12), style.BLUE, ha="left")
    _curve(axes, result.effect[:, last], style.ORANGE, "s")
    # at the two ends, so that the names never stand on one another
    style.note(axes, "last token", (len(result.layers) - 1, 1.12), style.ORANGE, ha="right")
    effect_axis(axes, 1.3)
    if subject:
        _mark_hand_off(axes, result)


def _mark_claimed(above: Axes, below: Axes, result: TraceResult, one: ClaimedRange) -> None:
    if one.place is None or one.sense is None:
        return
    positions, last = role_positions(result, one.place), result.n_positions - 1
    # the curves below are these two; other tokens have the map alone
    colour = style.ORANGE if positions == (last,) else style.BLUE
    has_curve = positions == (last,) or one.place == "subject"
    framed = one.sense == "at least" and bool(positions)
    if framed:
        label = "" if has_curve else f"claimed: {one}"
        marks.frame_cells(above, one, result.layers, positions, label)
    if has_curve:
        note = " (framed in the map)" if framed else ""
        marks.shade_limit(below, one, result.layers, colour, note)


def _curve(axes: Axes, values: Floats, colour: str, marker: str) -> None:
    """Values [layer] as a curve."""
    axes.plot(np.arange(len(values)), values, color=colour, marker=marker, markersize=3)


def _mark_hand_off(axes: Axes, result: TraceResult) -> None:
    """Mark the hand-off, where the residual stream has one above the first traced layer."""
    layer, _ = result.hand_off()
    if layer is None or layer == result.layers[0] or result.site not in _STREAM:
        return
    at = result.layers.index(layer)
    axes.axvline(at - 0.5, color=style.GREY, linestyle="--", linewidth=1.2, gid=style.FINDING)
    offset, side = ((-6, 0), "right") if at > len(result.layers) / 2 else ((6, 0), "left")
    text = f"hand-off at layer {layer}"
    style.note(axes, text, (at - 0.5, -0.42), style.GREY, offset, ha=side, va="center")
