"""A model under a backend beside the plain Hugging Face module: tokens, logits, and every site."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.layouts import layout_of
from pytest_interp.adapters.patterns import said_where_unseen, twin_with_patterns
from pytest_interp.adapters.places import ModulePlace
from pytest_interp.adapters.sites import Site, SiteKind
from pytest_interp.adapters.sizes import Sizes
from pytest_interp.adapters.weights import Weights
from pytest_interp.facts.prompts import encode
from pytest_interp.models.properties import Property, distance, missing, moved_by_a_large_edit

_NAME = "plain hooks"


@dataclass(frozen=True)
class PlainRun:
    """One pass of the Hugging Face module with torch hooks."""

    logits: Tensor
    seen: dict[Site, Tensor]


@dataclass(frozen=True)
class PlainHooks:
    """Passes of the plain module, one for each set of weights and each kind of tokens."""

    kinds: Sequence[SiteKind]
    _runs: dict[Weights, tuple[Tensor, PlainRun]] = field(default_factory=dict)

    def run(self, weights: Weights, tokens: Tensor) -> PlainRun:
        """The logits, and the activation at every site."""
        known = self._runs.get(weights)
        if known is None or not torch.equal(known[0], tokens):
            kinds = [kind for kind in self.kinds if not self.blind(weights, kind)]
            known = self._runs[weights] = tokens, _plain(weights, kinds, tokens)
        return known[1]

    def blind(self, weights: Weights, kind: SiteKind) -> str:
        """Why no hook can see a kind of site; empty where one can."""
        layout = said_where_unseen(layout_of(weights.module.config), weights.module, _NAME)
        return layout.unseen.get(_NAME, {}).get(kind.name, "")


@dataclass(frozen=True)
class Tokens(Property):
    """A text becomes the same token ids as by the tokenizer alone."""

    prompt: str
    name: str = "tokens"
    limit: ClassVar[float | None] = 0.0

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        ids = list(encode(adapter.weights.tokenizer, self.prompt))
        return 0.0 if adapter.encode(self.prompt)[0].tolist() == ids else float("inf")


@dataclass(frozen=True)
class Logits(Property):
    """The logits are those of the plain module."""

    plain: PlainHooks
    name: str = "logits"

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        expected = self.plain.run(adapter.weights, tokens).logits
        return distance(adapter.run(tokens, logits="all").logits, expected)


@dataclass(frozen=True)
class _OfSite(Property):
    kind: SiteKind
    plain: PlainHooks
    verb: ClassVar[str]
    edits: ClassVar[bool] = True

    @property
    def name(self) -> str:  # type: ignore[override]
        """As ``read resid_pre``."""
        return f"{self.verb} {self.kind}"

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return missing(adapter, (self.kind.name,), edited=self.edits)


@dataclass(frozen=True)
class Reading(_OfSite):
    """The activation is the one that a plain hook sees."""

    verb: ClassVar[str] = "read"
    edits: ClassVar[bool] = False

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return super().why_not(adapter, tokens) or self.plain.blind(adapter.weights, self.kind)

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        seen = self.plain.run(adapter.weights, tokens).seen
        sites = adapter.sites(self.kind)
        read = adapter.run(tokens, capture=sites)
        errors = [distance(read[site], seen[site]) for site in sites]
        return next((e for e in errors if e != e), max(errors))


@dataclass(frozen=True)
class Identity(_OfSite):
    """An edit that changes nothing changes no logit."""

    verb: ClassVar[str] = "identity at"

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        edits = dict.fromkeys(adapter.sites(self.kind), torch.clone)
        untouched = adapter.run(tokens, logits="all").logits
        return distance(adapter.run(tokens, edits=edits, logits="all").logits, untouched)


@dataclass(frozen=True)
class LargeEdit(_OfSite):
    """A large edit reaches the logits: one that is discarded is found."""

    verb: ClassVar[str] = "large edit at"
    at_least: ClassVar[bool] = True
    limit: ClassVar[float | None] = 1e-6
    """An edit that is lost moves no bit. One of the attention of a planted model, on a prompt of
    which it knows no word, moves logits by 5e-6 of the largest."""

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        return moved_by_a_large_edit(adapter, self.kind.name, tokens)


def _plain(weights: Weights, kinds: Sequence[SiteKind], tokens: Tensor) -> PlainRun:
    layout = layout_of(weights.module.config)
    sizes = Sizes.of(weights.module.config.get_text_config())
    module = twin_with_patterns(weights, layout)
    seen: dict[Site, Tensor] = {}
    blocks: Any = module.get_submodule(layout.blocks)
    with ExitStack() as stack, torch.no_grad():
        for kind in kinds:
            roots = enumerate(blocks) if kind.in_blocks else [(None, module)]
            for layer, root in roots:
                if layout.absent(kind, root):
                    continue
                place = layout.place(kind, root)
                assert place is not None
                part, site = root.get_submodule(place.path), Site(kind, layer)
                _listen(stack, part, place, sizes.heads_of(kind), seen, site)
        module(tokens, use_cache=False)
    with torch.no_grad():
        return PlainRun(weights.module(tokens, use_cache=False).logits, seen)


def _listen(
    stack: ExitStack,
    module: nn.Module,
    place: ModulePlace,
    heads: int | None,
    seen: dict[Site, Tensor],
    site: Site,
) -> None:
    def hook(_: nn.Module, args: Any, kwargs: Any, output: Any = None) -> None:
        if place.side == "input":
            output = args[0] if args else kwargs["hidden_states"]
        if output is not None:
            seen[site] = place.read(output, heads).detach().clone()

    before, after = module.register_forward_pre_hook, module.register_forward_hook
    register: Any = before if place.side == "input" else after
    stack.callback(register(hook, with_kwargs=True).remove)
