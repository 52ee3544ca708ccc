"""A planted "told or not told" model under plain hooks, written for these tests alone.

It shares no code with the package's experiments, so that neither can hide a mistake of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch

from pytest_interp.facts.labelled import PromptSet
from pytest_interp.planted import ToldModel

Change = Callable[[torch.Tensor], torch.Tensor]


class Runs:
    """Passes over prompts, one batch for each length."""

    def __init__(self, model: ToldModel) -> None:
        self.module, self.tokenizer = model.module, model.tokenizer
        body = model.module.base_model
        self.gpt2 = hasattr(body, "h")
        self.blocks = body.h if self.gpt2 else body.layers
        self.embedding = body.drop if self.gpt2 else body.embed_tokens
        self.norm = body.ln_f if self.gpt2 else body.norm
        (self.abstain,) = model.tokenizer(" unknown")["input_ids"]

    def stream(self, prompts: PromptSet) -> np.ndarray:
        """``resid_post`` of the last token, ``[layer, prompt, d_model]``."""
        seen: list[list[torch.Tensor]] = []

        def keep(hidden: torch.Tensor) -> torch.Tensor:
            seen[-1].append(hidden[:, -1].clone())
            return hidden

        def run(ids: torch.Tensor) -> torch.Tensor:
            seen.append([])
            with ExitStack() as stack:
                for block in self.blocks:
                    _hook(stack, block, keep)
                self.module(input_ids=ids, use_cache=False)
            return torch.stack(seen[-1], dim=1)

        return self._batched(prompts, run).transpose(1, 0, 2)

    def lens(self, stream: np.ndarray) -> np.ndarray:
        """Ids that lead when the final norm and the head read each layer, ``[layer, prompt]``."""
        with torch.no_grad():
            logits = self.module.lm_head(self.norm(torch.from_numpy(stream).float()))
        return logits.argmax(-1).numpy()

    def logits(self, prompts: PromptSet) -> np.ndarray:
        """Next-token logits, ``[prompt, vocabulary]``."""
        return self._batched(
            prompts, lambda ids: self.module(input_ids=ids, use_cache=False).logits[:, -1]
        )

    def log_odds(self, prompts: PromptSet) -> np.ndarray:
        """Logit of abstaining minus the best other one, ``[prompt]``."""
        logits = self.logits(prompts)
        others = np.delete(logits, self.abstain, axis=1)
        return logits[:, self.abstain] - others.max(1)

    def steered(self, prompts: PromptSet, vector: np.ndarray, layer: int) -> np.ndarray:
        """Log-odds where ``vector`` is added to ``resid_post`` of a layer at the last token."""

        def add(hidden: torch.Tensor) -> torch.Tensor:
            hidden = hidden.clone()
            hidden[:, -1] += torch.from_numpy(vector).float()
            return hidden

        with ExitStack() as stack:
            _hook(stack, self.blocks[layer], add)
            return self.log_odds(prompts)

    def ablated(self, prompts: PromptSet, vectors: Sequence[np.ndarray]) -> np.ndarray:
        """Log-odds where the span of ``vectors`` is projected out of all that is written."""
        span = torch.from_numpy(np.linalg.qr(np.stack(vectors, axis=1))[0]).float()

        def project(hidden: torch.Tensor) -> torch.Tensor:
            return hidden - hidden @ span @ span.T

        with ExitStack() as stack:
            _hook(stack, self.embedding, project)
            for block in self.blocks:
                _hook(stack, block.attn if self.gpt2 else block.self_attn, project)
                _hook(stack, block.mlp, project)
            return self.log_odds(prompts)

    def _batched(
        self, prompts: PromptSet, run: Callable[[torch.Tensor], torch.Tensor]
    ) -> np.ndarray:
        ids = [self.tokenizer(prompt.text)["input_ids"] for prompt in prompts]
        found: dict[int, np.ndarray] = {}
        for length in {len(row) for row in ids}:
            rows = [i for i, row in enumerate(ids) if len(row) == length]
            with torch.no_grad():
                values = run(torch.tensor([ids[i] for i in rows])).numpy()
            found |= dict(zip(rows, values, strict=True))
        return np.stack([found[i] for i in range(len(ids))])


def _hook(stack: ExitStack, module: Any, change: Change) -> None:
    def hook(_module: Any, _args: Any, out: Any) -> Any:
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    stack.callback(module.register_forward_hook(hook).remove)


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Share of pairs in which the positive one scores higher; ties count half."""
    above = scores[positive][:, None] - scores[~positive][None]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def held_out_auroc(stream: np.ndarray, prompts: PromptSet, splits: int = 10) -> np.ndarray:
    """AUROC by layer of a difference of means, fitted on half of the groups, told on the other.

    Mean over ``splits`` random halves. ``stream`` is ``[layer, prompt, d_model]``.
    """
    positive = np.array(prompts.labels) == "told"
    groups, rng = np.array(prompts.groups), np.random.default_rng(0)
    kinds = [np.unique(groups[positive]), np.unique(groups[~positive])]
    found = []
    for _ in range(splits):
        half = np.concatenate([rng.permutation(kind)[: len(kind) // 2] for kind in kinds])
        if set(kinds[0]) == set(kinds[1]):
            half = rng.permutation(kinds[0])[: len(kinds[0]) // 2]
        train = np.isin(groups, half)
        told, untold = stream[:, train & positive], stream[:, train & ~positive]
        direction = told.mean(1) - untold.mean(1)
        scores = np.einsum("lpd,ld->lp", stream[:, ~train], direction)
        found.append([auroc(layer, positive[~train]) for layer in scores])
    return np.mean(found, axis=0)
