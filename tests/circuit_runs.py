"""Planted circuits under plain torch hooks, written for their tests alone.

It shares no code with the package's experiments, so that neither can hide a mistake of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from pytest_interp.planted.circuits import CircuitModel

Change = Callable[[Tensor], Tensor]
Edit = tuple[str, int, Change]
"""Kind of site, layer, and what becomes of it."""


class Runs:
    """One fact of a planted circuit."""

    def __init__(self, model: CircuitModel, fact: int = 0) -> None:
        self.model, prompt = model, model.facts.prompts[fact]
        self.module, self.config = model.module, model.module.config
        self.clean, self.corrupt = map(self.ids, (prompt.clean_prompt, prompt.corrupt_prompt))
        (self.answer,) = model.tokenizer(prompt.answer)["input_ids"]
        (self.other,) = model.tokenizer(prompt.counterfactual_answer)["input_ids"]
        self.gpt2 = self.config.model_type == "gpt2"
        body = self.module.base_model
        self.blocks = body.h if self.gpt2 else body.layers
        self.norm = body.ln_f if self.gpt2 else body.norm
        self.n_heads = self.config.num_attention_heads
        self.n_groups = getattr(self.config, "num_key_value_heads", self.n_heads)

    def ids(self, text: Any) -> Tensor:
        return torch.tensor([self.model.tokenizer(text)["input_ids"]])

    def metric(self, logits: Tensor) -> float:
        row = logits[0, -1].double()
        return float(row[self.answer] - row[self.other])

    def run(self, ids: Tensor, edits: Iterable[Edit] = ()) -> Tensor:
        with torch.no_grad(), ExitStack() as stack:
            for kind, layer, change in edits:
                self._hook(stack, kind, layer, change)
            return self.module(input_ids=ids, use_cache=False).logits

    def read(self, ids: Tensor) -> dict[tuple[str, int], Tensor]:
        """Every site of every layer; heads are ``[row, position, head, width]``."""
        seen: dict[tuple[str, int], Tensor] = {}

        def keep(kind: str, layer: int) -> Change:
            def fn(x: Tensor) -> Tensor:
                seen[kind, layer] = x.detach().clone()
                return x

            return fn

        kinds = ("resid_pre", "resid_post", "head", "q", "k", "v", "mlp_out", "mlp_in")
        self.run(ids, [(k, n, keep(k, n)) for k in kinds for n in range(len(self.blocks))])
        return seen

    def patterns(self, text: str) -> list[Tensor]:
        """Attention of every layer, ``[head, query, key]``."""
        with torch.no_grad():
            out = self.module(input_ids=self.ids(text), use_cache=False, output_attentions=True)
        return [layer[0].double() for layer in out.attentions]

    def written(self, component: Any, seen: dict[tuple[str, int], Tensor]) -> Tensor:
        """What a head or an MLP adds to the stream, ``[row, position, d_model]``."""
        if component.kind == "mlp_out":
            return seen["mlp_out", component.layer]
        z = seen["head", component.layer][:, :, component.index]
        size, at = z.shape[-1], component.index * z.shape[-1]
        if self.gpt2:
            return z @ self.blocks[component.layer].attn.c_proj.weight[at : at + size]
        weight = self.blocks[component.layer].self_attn.o_proj.weight
        return z @ weight[:, at : at + size].T

    def inputs(self, layer: int, stream: Tensor) -> dict[str, Tensor]:
        """Queries, keys and values that a layer makes of a stream of its own."""
        seen: dict[str, Tensor] = {}

        def keep(kind: str) -> Edit:
            return kind, layer, lambda x: seen.setdefault(kind, x.detach().clone())

        self.run(self.clean, [("resid_pre", layer, lambda _: stream), *map(keep, "qkv")])
        return seen

    def mlp(self, layer: int, stream: Tensor) -> Tensor:
        """What the MLP of a layer makes of a stream of its own."""
        block = self.blocks[layer]
        norm = block.ln_2 if self.gpt2 else block.post_attention_layernorm
        with torch.no_grad():
            return block.mlp(norm(stream))

    def _hook(self, stack: ExitStack, kind: str, layer: int, change: Change) -> None:
        block = self.blocks[layer]
        attn = block.attn if self.gpt2 else block.self_attn
        if kind == "resid_pre":
            self._before(stack, block, change)
        elif kind == "mlp_in":
            norm = block.ln_2 if self.gpt2 else block.post_attention_layernorm
            self._before(stack, norm, change)
        elif kind == "head":
            out = attn.c_proj if self.gpt2 else attn.o_proj
            self._before(stack, out, self._by_head(change, self.n_heads))
        elif kind in ("q", "k", "v"):
            heads = self._by_head(change, self.n_heads if kind == "q" else self.n_groups)
            if self.gpt2:
                self._after(stack, attn.c_attn, self._third("qkv".index(kind), heads))
            else:
                self._after(stack, getattr(attn, f"{kind}_proj"), heads)
        else:
            self._after(stack, block if kind == "resid_post" else block.mlp, change)

    @staticmethod
    def _by_head(change: Change, n: int) -> Change:
        return lambda x: change(x.unflatten(-1, (n, -1))).flatten(-2)

    @staticmethod
    def _third(which: int, change: Change) -> Change:
        def fn(x: Tensor) -> Tensor:
            parts = list(x.chunk(3, dim=-1))
            parts[which] = change(parts[which])
            return torch.cat(parts, dim=-1)

        return fn

    @staticmethod
    def _before(stack: ExitStack, module: Any, change: Change) -> None:
        def hook(_: Any, args: Any, kwargs: Any) -> Any:
            if args:
                return (change(args[0]), *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": change(kwargs["hidden_states"])}

        stack.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)

    @staticmethod
    def _after(stack: ExitStack, module: Any, change: Change) -> None:
        def hook(_: Any, _args: Any, out: Any) -> Any:
            return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

        stack.callback(module.register_forward_hook(hook).remove)


def replacing(values: Tensor, index: int | None = None, at: Sequence[int] | None = None) -> Change:
    """Put ``values`` in place of one head (or of all that is there), at some positions or all."""

    def fn(x: Tensor) -> Tensor:
        x = x.clone()
        for position in range(x.shape[1]) if at is None else at:
            if index is None:
                x[:, position] = values[:, position]
            else:
                x[:, position, index] = values[:, position, index]
        return x

    return fn
