"""Why a model has no such site, or one that cannot be edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_interp.adapters.sites import Site, SiteKind

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


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
    if site.layer is not None:
        blocks: Any = adapter.weights.module.get_submodule(layout.blocks)
        if path := layout.absent(kind, blocks[site.layer]):
            return f"does not exist, because layer {site.layer} of {adapter.name} has no {path}"
    if kind.name != "embed" and not finds(kind):
        return (
            f"was added without a place for {adapter.backend} on the architecture "
            f"{layout.name!r}: give one to register_site(places=...)"
        )
    lost = layout.unwritable.get(adapter.backend, {}).get(kind.name)
    if edited and lost:
        return f"can be captured but not edited under {adapter.backend}, because {lost}"
    return ""
