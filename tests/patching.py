"""Activation patching with plain hooks, written for these tests alone.

It shares no code with the package's experiments, so that neither can hide a mistake of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch

from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.planted import Cell, PlantedModel

Site = tuple[str, int]


class Patcher:
    """Both runs of one fact, and any patched run."""

    def __init__(self, planted: PlantedModel, fact: FactPrompt) -> None:
        self.module, self.config = planted.module, planted.module.config
        encode = planted.tokenizer
        self.clean = encode(fact.clean_prompt, return_tensors="pt")["input_ids"]
        self.corrupt = encode(fact.corrupt_prompt, return_tensors="pt")["input_ids"]
        self.answer = encode(fact.answer)["input_ids"][0]
        self.counterfactual = encode(fact.counterfactual_answer)["input_ids"][0]
        self.start, self.from_clean = self._record(self.clean)
        self.end, self.from_corrupt = self._record(self.corrupt)

    def effects(self, cells: list[tuple[Cell, ...]], direction: str) -> np.ndarray:
        """Effect of each group of cells, all groups in one batch."""
        ids, source = (
            (self.corrupt, self.from_clean)
            if direction == "denoise"
            else (self.clean, self.from_corrupt)
        )
        by_site: dict[Site, list[tuple[int, Cell]]] = {}
        for row, group in enumerate(cells):
            for cell in group:
                by_site.setdefault((cell.site, cell.layer), []).append((row, cell))

        def replace(site: Site, tensor: torch.Tensor) -> torch.Tensor:
            tensor = tensor.clone()
            for row, cell in by_site.get(site, []):
                at = (row, cell.position) if cell.head is None else (row, cell.position, cell.head)
                tensor[at] = source[site][(0, *at[1:])]
            return tensor

        logits = self._run(ids.expand(len(cells), -1), replace)
        recovery = (self._difference(logits) - self.end) / (self.start - self.end)
        return (recovery if direction == "denoise" else 1 - recovery).double().numpy()

    def lens(self) -> torch.Tensor:
        """Clean run, last token: logits read from ``resid_post``, ``[layer, vocabulary]``."""
        body = self.module.base_model
        norm = body.ln_f if hasattr(body, "ln_f") else body.norm
        posts = [self.from_clean["resid_post", i][0, -1] for i in range(self.n_layers)]
        return self.module.lm_head(norm(torch.stack(posts)))

    @property
    def n_layers(self) -> int:
        return self.config.num_hidden_layers

    def _difference(self, logits: torch.Tensor) -> torch.Tensor:
        return logits[:, -1, self.answer] - logits[:, -1, self.counterfactual]

    def _record(self, ids: torch.Tensor) -> tuple[torch.Tensor, dict[Site, torch.Tensor]]:
        seen: dict[Site, torch.Tensor] = {}

        def keep(site: Site, tensor: torch.Tensor) -> torch.Tensor:
            seen[site] = tensor.clone()
            return tensor

        return self._difference(self._run(ids, keep))[0], seen

    def _run(
        self, ids: torch.Tensor, edit: Callable[[Site, torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        body = self.module.base_model
        gpt2 = hasattr(body, "h")
        n_heads = self.config.num_attention_heads

        def on_input(site: str, layer: int) -> Callable[..., Any]:
            def hook(_module: Any, args: Any) -> Any:
                x = args[0]
                if site != "head":
                    return (edit((site, layer), x), *args[1:])
                heads = x.unflatten(-1, (n_heads, -1))
                return (edit((site, layer), heads).flatten(-2), *args[1:])

            return hook

        def on_output(site: str, layer: int) -> Callable[..., Any]:
            def hook(_module: Any, _args: Any, out: Any) -> Any:
                if isinstance(out, tuple):
                    return (edit((site, layer), out[0]), *out[1:])
                return edit((site, layer), out)

            return hook

        with ExitStack() as stack:
            for i, block in enumerate(body.h if gpt2 else body.layers):
                attention = block.attn if gpt2 else block.self_attn
                mixed = attention.c_proj if gpt2 else attention.o_proj
                for handle in (
                    block.register_forward_pre_hook(on_input("resid_pre", i)),
                    mixed.register_forward_pre_hook(on_input("head", i)),
                    attention.register_forward_hook(on_output("attn_out", i)),
                    block.mlp.register_forward_hook(on_output("mlp_out", i)),
                    block.register_forward_hook(on_output("resid_post", i)),
                ):
                    stack.callback(handle.remove)
            return self.module(input_ids=ids, use_cache=False).logits
