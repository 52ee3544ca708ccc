"""Where heads look: from the last token, all of them; over the tokens, those that lead."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pytest_interp.figures import head_maps, style
from pytest_interp.results.attention import AttentionPatterns
from pytest_interp.results.base import Floats

_SHOWN = 3
"""Heads whose pattern is drawn."""
_MOST_TOKENS = 24
"""Tokens that can be named on the axes of a pattern."""


def attention_figure(result: AttentionPatterns) -> Figure:
    """Mean attention from the last token to the subject by head, and the patterns of three heads.

    Without subjects it is the attention to what is neither the first token nor itself. The patterns
    are those of the first prompt: each row is a token that looks, and the columns are where.
    """
    heights = (head_maps.height(result.n_heads) + 1.1, 3.3)
    figure = Figure(figsize=(style.WIDTH, sum(heights)), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    axes = above.subplots()
    values = result.main_map
    image = head_maps.head_map(axes, values, result.layers, Normalize(0, 1), head_maps.SHARES)
    above.colorbar(image, ax=axes, pad=0.01, aspect=12).ax.tick_params(labelsize=8)
    leading = result.leading(_SHOWN)
    head_maps.name_heads(axes, values, result.layers, 0.3, 6)
    style.label(axes, x="layer")
    n = len(result.prompts)
    of = style.quoted(result.prompts[0]) if n == 1 else f"{n} prompts (mean)"
    said = f"attention from the last token to {result.looked_at}\n{of}"
    style.title(axes, style.of_model(result, said))
    for panel, head in zip(below.subplots(1, len(leading), squeeze=False)[0], leading, strict=True):
        _pattern(panel, result.head(head)[0], result.str_tokens[0], head)
    return figure


def _pattern(axes: Axes, pattern: Floats, tokens: tuple[str, ...], head: str) -> None:
    axes.imshow(pattern, cmap=head_maps.SHARES, norm=Normalize(0, 1), interpolation="nearest")
    names = [style.token_label(token) for token in tokens]
    step = max(1, -(-len(tokens) // _MOST_TOKENS))
    at = np.arange(0, len(tokens), step)
    size = 8 if len(tokens) <= 12 else 6
    axes.set_xticks(at, [names[i] for i in at], rotation=90, fontsize=size)
    axes.set_yticks(at, [names[i] for i in at], fontsize=size)
    axes.tick_params(length=2)
    style.title(axes, head, size=9.5)
    style.label(axes, x="looks at")
