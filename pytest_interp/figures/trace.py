"""A causal trace as a heatmap of tokens and layers, with the hand-off below it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytest_interp.figures import style
from pytest_interp.results.trace import TraceResult

_WHAT = {
    "denoise": "recovery\n(0 corrupt, 1 clean)",
    "noise": "damage\n(0 clean, 1 corrupt)",
}


def trace_figure(result: TraceResult) -> Figure:
    """The effect of every cell: tokens down, layers across; the subject's rows are framed.

    Colours are centred on zero and end at -1 and 1 in every figure, so that figures compare and
    negative effects show. Below, the strongest subject token and the last token over depth: where
    the lines cross, the fact is handed from one to the other.
    """
    rows = result.n_positions
    heights = (0.27 * rows + 0.3, 1.5)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.3), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    _heatmap(above, result)
    _curves(below, result)
    ticks = style.layer_ticks(result.layers)
    below.set_xticks(ticks, [str(result.layers[i]) for i in ticks])
    style.label(below, x=f"layer ({result.site})")
    return figure


def _heatmap(axes: Axes, result: TraceResult) -> None:
    image = axes.imshow(
        result.effect.T,
        aspect="auto",
        interpolation="nearest",
        cmap=style.DIVERGING,
        norm=Normalize(-1.0, 1.0),
    )
    axes.set_facecolor("0.8")  # undefined cells are transparent
    colours = axes.figure.colorbar(image, ax=axes, extend="both", pad=0.01, aspect=12)
    colours.ax.tick_params(labelsize=8)
    colours.set_label(_WHAT[result.direction], fontsize=8.5)
    axes.set_yticks(range(result.n_positions), [style.shown(t) for t in result.str_tokens])
    axes.tick_params(labelsize=9.5, length=0, bottom=False, labelbottom=False)
    for position in result.subject_positions:
        label = axes.get_yticklabels()[position]
        label.set_fontweight("bold")
        label.set_color(style.BLUE)
    for first, last in _spans(result.subject_positions):
        frame = Rectangle(
            (-0.5, first - 0.5),
            len(result.layers),
            last - first + 1,
            fill=False,
            edgecolor=style.BLUE,
            linewidth=2.2,
            clip_on=False,
        )
        axes.add_patch(frame)
    clean = style.quoted(result.fact.clean_prompt)
    told = result.options.corruption.describe(result.fact)
    corrupt = style.quoted(told) if told == result.fact.corrupt_prompt else told
    verb = "Clean into corrupt" if result.direction == "denoise" else "Corrupt into clean"
    style.title(axes, f"{verb}, {result.site}, {result.metric}\n{clean} against {corrupt}")


def _curves(axes: Axes, result: TraceResult) -> None:
    x = np.arange(len(result.layers))
    last = result.n_positions - 1
    subject = [p for p in result.subject_positions if p != last]
    lines = {}
    if subject:
        lines["subject"] = result.effect[:, subject].max(axis=1)
        axes.plot(x, lines["subject"], color=style.BLUE, marker="o", markersize=3)
    lines["last token"] = result.effect[:, last]
    axes.plot(x, lines["last token"], color=style.ORANGE, marker="s", markersize=3)
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    # room for negative effects and for more than the whole gap, the same in every figure
    axes.set_ylim(-0.6, 1.3)
    axes.set_yticks([-0.5, 0, 0.5, 1])
    for (name, values), colour in zip(lines.items(), _colours(lines), strict=True):
        peak = int(np.argmax(values)) if np.isfinite(values).all() else 0
        side = "left" if peak < len(x) / 2 else "right"
        axes.annotate(
            name,
            (x[peak], values[peak] if np.isfinite(values[peak]) else 0.0),
            xytext=(0, 5),
            textcoords="offset points",
            ha=side,
            color=colour,
            fontsize=9.5,
            weight="bold",
        )
    if subject:
        _mark_hand_off(axes, result, lines["subject"] - lines["last token"])
    style.tidy(axes)
    style.label(axes, y="recovery" if result.direction == "denoise" else "damage")


def _mark_hand_off(axes: Axes, result: TraceResult, lead: np.ndarray) -> None:
    """Mark the first layer at which the last token has overtaken a subject that led before."""
    turns = np.flatnonzero((lead[:-1] > 0) & (lead[1:] <= 0))
    if not turns.size or lead.max() < 0.3 or lead[turns[0] + 1 :].min() > -0.3:
        return
    at = int(turns[0]) + 1
    axes.axvline(at - 0.5, color=style.GREY, linestyle="--", linewidth=1.2, gid=style.FINDING)
    right = at > len(lead) / 2
    axes.annotate(
        f"hand-off at layer {result.layers[at]}",
        (at - 0.5, -0.42),
        xytext=(-6 if right else 6, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="center",
        fontsize=9.5,
        color=style.GREY,
        weight="bold",
    )


def _colours(lines: dict[str, np.ndarray]) -> list[str]:
    return [style.BLUE if name == "subject" else style.ORANGE for name in lines]


def _spans(positions: tuple[int, ...]) -> list[tuple[int, int]]:
    """Runs of neighbouring positions as (first, last)."""
    spans: list[tuple[int, int]] = []
    for position in sorted(positions):
        if spans and spans[-1][1] == position - 1:
            spans[-1] = (spans[-1][0], position)
        else:
            spans.append((position, position))
    return spans
