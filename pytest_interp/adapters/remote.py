"""The nnsight backend on a model that runs elsewhere: ``ndif``, the address of a server, or here.

This process holds the modules of the model without their weights. All that is computed with these
is computed at the server: runs, embeddings, what rows begin with. Back come the logits that were
asked for, the captures, and how often each hook fired. :mod:`pytest_interp.adapters.sending` says
how a run travels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from pytest_interp.adapters.embedding import spread
from pytest_interp.adapters.nnsight import NNsightAdapter
from pytest_interp.adapters.offloaded import refuse
from pytest_interp.adapters.packing import leave_behind
from pytest_interp.adapters.prefix import Prefix, begun, behind, check_prefix
from pytest_interp.adapters.sending import LOCAL, Server
from pytest_interp.adapters.sites import PATTERN, RESID_PRE, Site
from pytest_interp.adapters.skeleton import Skeleton
from pytest_interp.adapters.taps import Plan, Tap
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import RemoteError
from pytest_interp.provenance import Provenance


class RemoteAdapter(NNsightAdapter):
    """A model under nnsight, whose runs are made at a server."""

    def __init__(self, weights: Weights, at: str) -> None:
        """Prepare the runs, and ask the server what it holds.

        Args:
            weights: the model, of which the modules and the tokenizer are used. With ``local``,
                the weights that are here serve it; a skeleton is loaded for that.
            at: ``local``, ``ndif``, or the address of a server.

        Raises:
            RemoteError: the server does not answer, or cannot have the model.
            DeviceError: weights that are to serve it are not at hand.
        """
        self.at = at
        bare, served = Skeleton.of(weights), None
        if at == LOCAL:
            is_bare = isinstance(weights, Skeleton)
            served = weights.origin.load(weights.name) if is_bare else weights
            refuse(served.module, "A run that is sent to a server needs")
        super().__init__(replace(bare, server=Server(bare, at, served), loaded=None))

    @property
    def _server(self) -> Server:
        return cast(Server, cast(Skeleton, self.weights).server)

    def _wrapped(self) -> Any:
        return self._server.model

    def _attributes(self) -> Mapping[str, object]:
        return {**super()._attributes(), "at": self.at}

    def provenance(self, seed: int | None = None) -> Provenance:
        """As that of a run here, with the server and what it says of the model and itself."""
        made, told = super().provenance(seed), self._server.told
        there = {f"{name} at the server": version for name, version in told.versions.items()}
        return replace(
            made,
            source=f"{made.source}, run at {self.at}",
            device=told.device,
            attention=told.attention,
            versions={**made.versions, "server": self.at, **there},
        )

    def refusal(self, site: Site, *, edited: bool = False) -> str:
        """As here, but for the pattern: see :mod:`pytest_interp.adapters.patterns`."""
        if site.kind == PATTERN:
            return (
                "cannot be reached in runs that are sent to a server (remote): the attention there"
                " is the library's own, which has no place for it. Run without remote"
            )
        return super().refusal(site, edited=edited)

    def embed(self, tokens: Tensor, prefix: Prefix | None = None) -> Tensor:
        """What enters the first block [row, pos, d_model], computed at the server."""
        options = behind(self.weights.module, prefix)
        return self._server.begin(tokens, f"{self.layout.blocks}.0", options).to(self.device)

    @property
    def embedding_std(self) -> float:
        """As of a model here, computed at the server."""
        of_module = self._server.embeddings(partial(spread, n_tokens=self.d_vocab))
        return abs(self.layout.embed_scale) * float(of_module)

    def prefix(
        self, tokens: Tensor, after: Prefix | None = None, noise: Tensor | None = None
    ) -> Prefix:
        """As of a model here, computed at the server, from where keys and values come back."""
        check_prefix(self.layout)
        cache = begun(after)
        first = Site(RESID_PRE, 0)
        events = [] if noise is None else [self._event(first, _Add(noise))]
        # layers that are then run at the last position alone have no keys and values of their own
        options = {"logits_to_keep": 1, **behind(self.weights.module, cache, use_cache=True)}
        found = self._server.run(tokens, events, _Fill(cache), options)
        return Prefix.holding(zip(found["keys"], found["values"], strict=True))

    def _forward(
        self, tokens: Tensor, taps: Mapping[Site, Tap], logits_to_keep: int, prefix: Prefix | None
    ) -> Tensor:
        assert isinstance(taps, Plan)
        if torch.is_grad_enabled() and taps.owner.gradient_of is None:
            raise RemoteError(
                "the graph of a run that is sent to a server (grad=True) stays there: only results"
                " come back. Say what the gradients are of, run(..., gradient_of=function)"
            )
        events = [self._event(site, tap) for site, tap in taps.items()]
        options = {"logits_to_keep": logits_to_keep, **behind(self.weights.module, prefix)}
        found = self._server.run(tokens, events, _Work(taps.owner, prefix), options)
        taps.owner.take(found)
        for layer, was_read in zip(prefix.layers if prefix else (), found["read"], strict=True):
            layer.was_read = was_read
        logits: Tensor = found["logits"]
        return logits


@dataclass(frozen=True)
class _Work:
    """What a run fills, there, and what of it comes back."""

    taps: Any
    prefix: Any

    def found(self, logits: Any) -> dict[str, Any]:
        read = [layer.was_read for layer in self.prefix.layers] if self.prefix else []
        self.taps.differentiate(logits)
        return {"logits": logits.detach(), "read": read, **self.taps.found()}


@dataclass(frozen=True)
class _Fill:
    """The keys and values of a run."""

    cache: Any

    def found(self, _: Any) -> dict[str, Sequence[Tensor]]:
        layers = self.cache.layers
        return {
            "keys": [one.keys.detach() for one in layers],
            "values": [one.values.detach() for one in layers],
        }


@dataclass(frozen=True)
class _Add:
    """Adds noise to what enters the first block."""

    noise: Tensor

    def __call__(self, value: Tensor) -> Tensor:
        return value + self.noise.to(value)


leave_behind(NNsightAdapter, RemoteAdapter)
