"""The TransformerLens backend: taps as hooks of a raw ``TransformerBridge``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.offloaded import refuse
from pytest_interp.adapters.places import HOOKS
from pytest_interp.adapters.prefix import Prefix, behind
from pytest_interp.adapters.sites import ATTN_OUT, Site, SiteKind
from pytest_interp.adapters.taps import Tap
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import HookError, NotAModelError


class TransformerLensAdapter(ModelAdapter):
    """A model under TransformerLens, in raw mode: no weight is folded, centred or copied."""

    backend = "transformer_lens"

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        refuse(weights.module, "TransformerLens, which reads weights itself, needs")
        twin = weights.twin()
        # No tokenizer: the bridge would reload one with another BOS policy and change the ids.
        try:
            self._bridge = build_bridge_from_module(
                twin,
                type(twin).__name__,
                hf_config=copy.deepcopy(twin.config),
                tokenizer=None,
            )
        except Exception as problem:
            raise NotAModelError(
                f"{self.name} cannot be put under {self.backend}, because TransformerLens has no "
                f"bridge that takes a {type(twin).__name__} here ({problem}): use nnsight"
            ) from problem
        for block in self._bridge.blocks:
            if hasattr(block, "attn"):  # some layers may have another thing in its place
                block.attn.register_forward_pre_hook(_by_its_old_name, with_kwargs=True)
                own = block.attn.original_component
                own.register_forward_pre_hook(_by_one_name, with_kwargs=True)
        # The first pass sets hooks of the bridge's own: any that comes later is somebody else's.
        with torch.no_grad():
            self._forward(self.as_tokens([[0]]), {}, 1, None)

    def _finds(self, kind: SiteKind) -> bool:
        return kind.name in HOOKS.here()

    def _forward(
        self, tokens: Tensor, taps: Mapping[Site, Tap], logits_to_keep: int, prefix: Prefix | None
    ) -> Tensor:
        hooks = [(self._path(site), _hook(tap)) for site, tap in taps.items()]
        logits = self._bridge.run_with_hooks(
            tokens,
            fwd_hooks=hooks,
            return_type="logits",
            logits_to_keep=logits_to_keep,
            **behind(self.weights.module, prefix),
        )
        if not isinstance(logits, Tensor):
            raise HookError(f"TransformerLens returned {type(logits).__name__}, not logits")
        return logits

    def _path(self, site: Site) -> str:
        """The name of the hook at a site."""
        name, layout = HOOKS.here()[site.kind.name], self.layout
        if site.layer is None:
            return name
        if site.kind == ATTN_OUT and layout.attn_out_else is not None:
            block = self.weights.module.get_submodule(f"{layout.blocks}.{site.layer}")
            place = layout.place(site.kind, block)
            if place is not None and place.path == layout.attn_out_else:
                name = f"{place.path}.hook_out"
        return f"blocks.{site.layer}.{name}"


def _by_its_old_name(
    _: torch.nn.Module, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The bridge's attention reads ``past_key_values``, and leaves out ``cache`` without a word."""
    if options.get("cache") is None:
        return None
    return args, {**options, "past_key_values": options["cache"]}


def _by_one_name(
    _: torch.nn.Module, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Where the bridge runs the model's own attention, that warns of a cache with two names."""
    if options.get("cache") is None:
        return None
    return args, {name: given for name, given in options.items() if name != "past_key_values"}


def _hook(tap: Tap) -> Callable[[Tensor, Any], Tensor | None]:
    return lambda value, hook: tap(value)
