"""What layouts of several families share: where config or wrapper move things, and reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_interp.adapters.layouts import Layout

SHOWN_TOO_LATE = "TransformerLens shows it when nothing reads it any more: use nnsight"


def in_wrapper(layout: Layout) -> Layout:
    """The text half of a model that also sees."""
    inside = {
        name: getattr(layout, name).replace("model.", "model.language_model.", 1)
        for name in ("embed", "blocks", "final_norm")
    }
    return replace(layout, **inside)


def clipped_if_asked(layout: Layout, config: Any) -> Layout:
    """Values clipped on their way to the heads where the config says so."""
    if not config.clip_qkv:
        return layout
    return replace(layout, breaks={"pattern @ v = head": "values are clipped behind the site v"})


def beside_if_asked(layout: Layout, config: Any) -> Layout:
    """Attention and MLP side by side where the config says so."""
    return replace(layout, resid_mid=None) if config.use_parallel_residual else layout
