"""Other ways to compute the same [layer x position] map, as their users write them.

Each runs one forward pass for each cell, or one for the cells of a layer, whatever the cell. So a
long map can be timed on a sample of its cells.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import nnsight
import pandas as pd
import torch
from torch import Tensor
from transformer_lens import patching
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

from pytest_interp.adapters import Weights
from pytest_interp.facts.prompts import TokenizedFact

Cell = tuple[int, int]
"""A layer and a position."""


def logit_diff(logits: Tensor, fact: TokenizedFact) -> Tensor:
    """Answer minus counterfactual at the last position [row]."""
    return logits[:, -1, fact.answer_id] - logits[:, -1, fact.counterfactual_id]


def tokens_of(fact: TokenizedFact) -> tuple[Tensor, Tensor]:
    """Clean and corrupt ids [1, pos]."""
    return torch.tensor([fact.clean_ids]), torch.tensor([fact.corrupt_ids])


class TransformerLensPatching:
    """``transformer_lens.patching.generic_activation_patch``: one forward pass per cell."""

    name, backend = "TransformerLens patching", "transformer_lens"
    whole_layers = False
    sites = ("resid_pre", "resid_post", "attn_out", "mlp_out")

    def __init__(self, weights: Weights) -> None:
        twin = weights.twin()
        self.bridge = build_bridge_from_module(
            twin, type(twin).__name__, hf_config=twin.config, tokenizer=None
        )

    def prepare(self, fact: TokenizedFact) -> Any:
        """The clean run, with all activations."""
        return self.bridge.run_with_cache(tokens_of(fact)[0])[1]

    def patched(
        self, fact: TokenizedFact, cells: Sequence[Cell], cache: Any, site: str = "resid_post"
    ) -> Tensor:
        """The metric with each of these cells patched."""
        found = patching.generic_activation_patch(
            self.bridge,
            tokens_of(fact)[1],
            cache,
            lambda logits: logit_diff(logits, fact).squeeze(0),
            patching.layer_pos_patch_setter,
            site,
            index_df=pd.DataFrame(cells, columns=["layer", "pos"]),
        )
        return torch.as_tensor(found).flatten()


class NNsightLoop:
    """One nnsight trace per cell."""

    name, backend = "nnsight, a trace per cell", "nnsight"
    whole_layers = False
    sites = ("resid_post",)

    def __init__(self, weights: Weights) -> None:
        self.model = nnsight.NNsight(weights.twin())

    def prepare(self, fact: TokenizedFact) -> list[Tensor]:
        """The residual stream of the clean run, after each layer."""
        saved: Any = []
        with self.model.trace(tokens_of(fact)[0]):
            for block in self.model.model.layers:
                saved.append(block.output.clone().save())
        return list(saved)

    def patched(
        self, fact: TokenizedFact, cells: Sequence[Cell], residuals: list[Tensor], site: str = ""
    ) -> Tensor:
        """The metric with each of these cells patched."""
        corrupt = tokens_of(fact)[1]
        return torch.stack([self._cell(corrupt, *cell, residuals, fact) for cell in cells])

    def _cell(
        self, corrupt: Tensor, layer: int, position: int, residuals: list[Tensor], fact: Any
    ) -> Tensor:
        source = residuals[layer][:, position]
        with self.model.trace(corrupt):
            new = self.model.model.layers[layer].output.clone()
            new[:, position] = source
            self.model.model.layers[layer].output = new
            logits = self.model.output.logits.save()
        return logit_diff(logits, fact).squeeze(0)


class NNsightInvokes(NNsightLoop):
    """One nnsight trace a layer, one invoke a position, which nnsight makes into one batch."""

    name = "nnsight, invokes per layer"
    whole_layers = True

    def __init__(self, weights: Weights) -> None:
        # the plain wrapper takes one input; this one batches the inputs of several invokes. It
        # changes the tokenizer that it is given
        tokenizer = copy.deepcopy(weights.tokenizer)
        self.model = nnsight.TransformersModel(
            weights.twin(), tokenizer=tokenizer, task="text-generation"
        )

    def patched(
        self, fact: TokenizedFact, cells: Sequence[Cell], residuals: list[Tensor], site: str = ""
    ) -> Tensor:
        """The metric with each of these cells patched."""
        corrupt = tokens_of(fact)[1]
        values = []
        for layer in dict.fromkeys(layer for layer, _ in cells):
            logits: Any = []
            with self.model.trace() as tracer:
                for position in [p for other, p in cells if other == layer]:
                    with tracer.invoke(corrupt):
                        new = self.model.model.layers[layer].output.clone()
                        new[:, position] = residuals[layer][:, position]
                        self.model.model.layers[layer].output = new
                        logits.append(self.model.output.logits.save())
            values.append(logit_diff(torch.cat(logits), fact))
        return torch.cat(values)


RIVALS = (TransformerLensPatching, NNsightLoop, NNsightInvokes)
