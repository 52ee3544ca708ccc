"""What a prompt gives, however its passes are cut: in a batch, joined by rows, behind a prefix."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.models.properties import Property, distance, missing


@dataclass(frozen=True)
class BehindPrefix(Property):
    """The second half of the prompt, run behind the first, has the logits of the whole."""

    name: str = "prefix"

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return adapter.layout.no_prefix

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        half = tokens.shape[1] // 2
        whole = adapter.run(tokens, logits="all").logits
        prefix = adapter.prefix(tokens[:, :half])
        rest = adapter.run(tokens[:, half:], prefix=prefix, logits="all").logits
        return distance(rest, whole[:, half:])


@dataclass(frozen=True)
class OneOfMany(Property):
    """A prompt has the same logits alone and among others, with edits and without."""

    name: str = "a batch of one = the same in a batch of many"

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        # prompts of the same words, in another order
        prompts = torch.cat([tokens.roll(n, 1) for n in range(3)])
        alone = torch.cat([adapter.run(row[None], logits="all").logits for row in prompts])
        together = adapter.run(prompts, logits="all").logits
        same = {adapter.sites("resid_pre")[0]: torch.clone}
        edited = adapter.run(prompts, edits=same, logits="all").logits
        return max(distance(together, alone), distance(edited, alone))


@dataclass(frozen=True)
class Joined(Property):
    """A row that joins the batch at a layer has the logits that it has alone."""

    name: str = "a row that joins at resid_pre = the same alone"

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return adapter.layout.one_batch or missing(adapter, ("resid_pre",), edited=True)

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        sites = adapter.sites("resid_pre")
        growing = {site: lambda x: torch.cat([x, 1.5 * x[:1]]) for site in sites}
        joined = adapter.run(tokens, edits=growing, logits="all").logits
        alone = [adapter.run(tokens, logits="all").logits]
        alone += [
            adapter.run(tokens, edits={site: lambda x: 1.5 * x}, logits="all").logits
            for site in sites
        ]
        return distance(joined, torch.cat(alone))


INVARIANCES = (BehindPrefix(), OneOfMany(), Joined())
