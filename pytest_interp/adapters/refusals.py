"""Why a model does not fit its layout, has no such site, or one that cannot be edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_interp.adapters.layouts import ANY
from pytest_interp.adapters.sites import Site, SiteKind
from pytest_interp.adapters.state import listed

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.adapters.layouts import Layout
    from pytest_interp.adapters.weights import Weights


def misfit(layout: Layout, weights: Weights) -> str:
    """Why a layout is not that of a model, in words that follow its class; empty where it is."""
    looks = f"the layout {layout.name!r} of the architecture {weights.architecture!r} looks"
    if missing := layout.missing_paths(weights.module):
        return f"without {', '.join(missing)}, where {looks}"
    blocks: Any = weights.module.get_submodule(layout.blocks)
    count = int(weights.module.config.get_text_config().num_hidden_layers)
    if len(blocks) != count:
        there = f"{len(blocks)} blocks at {layout.blocks}"
        return f"with {there}, and its config says {count}: there {looks}"
    return ""


def refusal(
    adapter: ModelAdapter, site: Site, edited: bool, finds: Callable[[SiteKind], bool]
) -> str:
    """The reason, in words that follow the name of the site; empty where there is none.

    Args:
        adapter: the model.
        site: which.
        edited: whether it is to be edited too.
        finds: whether the backend knows where such sites are.
    """
    kind, layout = site.kind, adapter.layout
    if edited and kind.read_only:
        return "can be captured but not edited"
    if site.layer is not None and not 0 <= site.layer < adapter.n_layers:
        return f"does not exist: {adapter.name} has layers 0 to {adapter.n_layers - 1}"
    if not layout.has(kind):
        why = layout.why_not(kind)
        because = f", because {why}" if why else ""
        return f"does not exist: the architecture {layout.name!r} has no {kind}{because}"
    if unseen := layout.unseen.get(adapter.backend, {}).get(kind.name):
        return f"cannot be read under {adapter.backend}, because {unseen}"
    if site.layer is not None:
        blocks: Any = adapter.weights.module.get_submodule(layout.blocks)
        if path := layout.absent(kind, blocks[site.layer]):
            why = layout.some_lack.get(kind.name, f"it has no {path}")
            have = [n for n, block in enumerate(blocks) if not layout.absent(kind, block)]
            there = "no layer has one" if not have else f"there is one in {_layers(have)}"
            return f"does not exist in layer {site.layer} of {adapter.name}, because {why}; {there}"
    if kind.name != "embed" and not finds(kind):
        return (
            f"was added without a place for {adapter.backend} on the architecture "
            f"{layout.name!r}: give one to register_site(places=...)"
        )
    for where in (adapter.backend, ANY):
        lost = layout.unwritable.get(where, {}).get(kind.name)
        if edited and lost:
            return f"can be captured but not edited under {where}, because {lost}"
    return ""


def _layers(numbers: list[int]) -> str:
    """Layers by number, the first of many."""
    named = listed([str(n) for n in numbers], most=8)
    return f"layer {named}" if len(numbers) == 1 else f"layers {named}"
