"""Other ways to compute the same [layer x position] ``resid_post`` map, as their users write them.

Each returns the metric of every patched run [layer, position].
"""

from __future__ import annotations

import copy
from typing import Any

import nnsight
import torch
from torch import Tensor
from transformer_lens import patching
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

from pytest_interp.adapters import Weights
from pytest_interp.facts.prompts import TokenizedFact


def logit_diff(logits: Tensor, fact: TokenizedFact) -> Tensor:
    """Answer minus counterfactual at the last position [row]."""
    return logits[:, -1, fact.answer_id] - logits[:, -1, fact.counterfactual_id]


def tokens_of(fact: TokenizedFact) -> tuple[Tensor, Tensor]:
    """Clean and corrupt ids [1, pos]."""
    return torch.tensor([fact.clean_ids]), torch.tensor([fact.corrupt_ids])


class TransformerLensPatching:
    """``transformer_lens.patching.generic_activation_patch``: one forward pass per cell."""

    name = "TransformerLens patching"

    def __init__(self, weights: Weights) -> None:
        twin = weights.twin()
        self.bridge = build_bridge_from_module(
            twin, type(twin).__name__, hf_config=twin.config, tokenizer=None
        )

    def __call__(self, fact: TokenizedFact) -> Tensor:
        clean, corrupt = tokens_of(fact)
        _, cache = self.bridge.run_with_cache(clean)
        return patching.generic_activation_patch(
            self.bridge,
            corrupt,
            cache,
            lambda logits: logit_diff(logits, fact).squeeze(0),
            patching.layer_pos_patch_setter,
            "resid_post",
            index_axis_names=("layer", "pos"),
        )


class NNsightLoop:
    """One nnsight trace per cell."""

    name = "nnsight, a trace per cell"

    def __init__(self, weights: Weights) -> None:
        self.model = nnsight.NNsight(weights.twin())

    def clean_residuals(self, clean: Tensor) -> list[Tensor]:
        saved: Any = []
        with self.model.trace(clean):
            for block in self.model.model.layers:
                saved.append(block.output.clone().save())
        return list(saved)

    def __call__(self, fact: TokenizedFact) -> Tensor:
        clean, corrupt = tokens_of(fact)
        residuals = self.clean_residuals(clean)
        n = clean.shape[1]
        return torch.stack(
            [
                torch.stack([self._cell(corrupt, layer, p, residuals, fact) for p in range(n)])
                for layer in range(len(residuals))
            ]
        )

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

    def __init__(self, weights: Weights) -> None:
        # the plain wrapper takes one input; this one batches the inputs of several invokes. It
        # changes the tokenizer that it is given
        tokenizer = copy.deepcopy(weights.tokenizer)
        self.model = nnsight.TransformersModel(
            weights.twin(), tokenizer=tokenizer, task="text-generation"
        )

    def __call__(self, fact: TokenizedFact) -> Tensor:
        clean, corrupt = tokens_of(fact)
        residuals = self.clean_residuals(clean)
        values = []
        for layer, residual in enumerate(residuals):
            logits: Any = []
            with self.model.trace() as tracer:
                for position in range(clean.shape[1]):
                    with tracer.invoke(corrupt):
                        new = self.model.model.layers[layer].output.clone()
                        new[:, position] = residual[:, position]
                        self.model.model.layers[layer].output = new
                        logits.append(self.model.output.logits.save())
            values.append(logit_diff(torch.cat(logits), fact))
        return torch.stack(values)
