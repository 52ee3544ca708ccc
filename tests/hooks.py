"""The independent reference: plain torch hooks on the Hugging Face module.

Module paths are written out once more (hook_paths.py), on purpose: nothing is shared with the
package.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager

import torch
from hook_paths import paths_of
from torch import Tensor, nn
from transformers import PreTrainedModel

Fn = Callable[[Tensor], Tensor]


def _on_input(target: nn.Module, fn: Fn) -> torch.utils.hooks.RemovableHandle:
    def hook(_, args, kwargs):
        if args:
            return (fn(args[0]), *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": fn(kwargs["hidden_states"])}

    return target.register_forward_pre_hook(hook, with_kwargs=True)


def _on_output(target: nn.Module, fn: Fn):
    """What a module gives; of a tuple the first."""

    def hook(_, args, output):
        return (fn(output[0]), *output[1:]) if isinstance(output, tuple) else fn(output)

    return target.register_forward_hook(hook)


def _on_added(target: nn.Module, fn: Fn, scale: float):
    """What a module gives, times a number, is what the stream gets."""
    return _on_output(target, (lambda x: fn(x * scale) / scale) if scale != 1 else fn)


@contextmanager
def hooked(module: PreTrainedModel, kind: str, layer: int | None, fn: Fn):
    """Replace the activation at a site by ``fn`` of it, with torch hooks alone."""
    paths = paths_of(module)
    with ExitStack() as stack:

        def add(handle):
            stack.callback(handle.remove)

        if kind == "embed" and paths["embed"] is None:
            add(_on_input(module.get_submodule(paths["blocks"])[0], fn))
        elif kind == "embed":
            add(_on_output(module.get_submodule(paths["embed"]), fn))
        elif kind == "final_norm":
            add(_on_input(module.get_submodule(paths["norm"]), fn))
        else:
            block = module.get_submodule(paths["blocks"])[layer]
            around = paths["attn"] if hasattr(block, paths["attn"]) else paths["attn_else"]
            attn = block.get_submodule(around)
            inner = block.get_submodule(paths.get("inner", around))
            if kind == "resid_pre":
                add(_on_input(block, fn))
            elif kind == "resid_post":
                add(_on_output(block, fn))
            elif kind == "head":
                heads = module.config.get_text_config().num_attention_heads

                def by_head(z):
                    return fn(z.unflatten(-1, (heads, -1))).flatten(-2)

                add(_on_input(block.get_submodule(paths["o_proj"]), by_head))
            elif kind in ("q", "k", "v"):
                add(_projected(module, inner, kind, fn))
            elif kind == "pattern":
                o_proj = block.get_submodule(paths["o_proj"])
                for handle in _rewrite_pattern(module, attn, inner, o_proj, fn):
                    add(handle)
            elif kind == "mlp_neurons":
                add(_on_input(block.get_submodule(paths["down"]), fn))
            elif kind == "attn_out":
                gives = block.get_submodule(paths.get("attn_norm", around))
                add(_on_added(gives, fn, paths["scale"]))
            elif kind == "mlp_out":
                add(_on_added(block.get_submodule(paths["mlp"][-1]), fn, paths["scale"]))
            elif kind == "layer_inputs":  # of Gemma 4, and no site
                add(_on_output(block.post_per_layer_input_norm, fn))
            elif kind == "resid_mid":
                add(_rewrite_mid(block, paths, fn))
        yield


def _n_heads(module: PreTrainedModel, kind: str) -> int:
    config = module.config.get_text_config()
    shared = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return shared if kind in ("k", "v") else config.num_attention_heads


def _projected(module: PreTrainedModel, attn: nn.Module, kind: str, fn: Fn):
    """What a projection gives, by head; gpt2 has one projection for all three."""
    heads = _n_heads(module, kind)

    def by_head(x: Tensor) -> Tensor:
        return fn(x.unflatten(-1, (heads, -1))).flatten(-2)

    if hasattr(attn, "c_attn"):
        return _on_output(attn.c_attn, _of_three(by_head, "qkv".index(kind), [1, 1, 1]))
    if hasattr(attn, "query_key_value"):
        one_head = _of_three(fn, "qkv".index(kind), [1, 1, 1])
        return _on_output(
            attn.query_key_value, lambda x: one_head(x.unflatten(-1, (heads, -1))).flatten(-2)
        )
    if hasattr(attn, "qkv_proj"):
        sizes = [module.config.num_attention_heads, *[_n_heads(module, "k")] * 2]
        return _on_output(attn.qkv_proj, _of_three(by_head, "qkv".index(kind), sizes))
    if kind == "q" and _gated(attn):
        half = _of_three(fn, 0, [1, 1])
        return _on_output(attn.q_proj, lambda x: half(x.unflatten(-1, (heads, -1))).flatten(-2))
    return _on_output(getattr(attn, f"{kind}_proj"), by_head)


def _gated(attn: nn.Module) -> bool:
    """Whether the projection of the queries also gives a gate for each head (Qwen3.5)."""
    projections = [getattr(attn, name, None) for name in ("q_proj", "o_proj")]
    return None not in projections and (
        projections[0].out_features == 2 * projections[1].in_features
    )


def _of_three(fn: Fn, number: int, sizes: list[int]) -> Fn:
    """One of some things that lie one behind the other, with these sizes as shares."""

    def changed(x: Tensor) -> Tensor:
        unit = x.shape[-1] // sum(sizes)
        three = list(x.split([unit * size for size in sizes], -1))
        three[number] = fn(three[number])
        return torch.cat(three, -1)

    return changed


def _rewrite_pattern(
    module: PreTrainedModel, attn: nn.Module, inner: nn.Module, o_proj: nn.Module, fn: Fn
):
    """What attention gives when its pattern is ``fn`` of itself: its values are weighted again."""
    values_seen, gates = [], []

    def keep(values: Tensor) -> Tensor:
        values_seen.append(values)
        return values

    if hasattr(inner, "is_kv_shared_layer"):
        handles = [_on_output(_giver(module, inner).v_norm, keep)]
    else:
        handles = [_projected(module, inner, "v", keep)]
    if _gated(inner):
        heads = _n_heads(module, "q")

        def keep_gate(q: Tensor) -> Tensor:
            gates.append(q.unflatten(-1, (heads, -1)).chunk(2, -1)[1])
            return q

        handles.append(_on_output(inner.q_proj, keep_gate))

    def hook(_, args, output):
        new = fn(output[1].clone())
        values = values_seen.pop()
        each = new.shape[1] // values.shape[2]
        values = torch.stack([values[:, :, h // each] for h in range(new.shape[1])], 2)
        z = torch.einsum("bhqk,bkhd->bqhd", new, values)
        z = z * gates.pop().sigmoid() if gates else z
        return (o_proj(z.flatten(-2)), new, *output[2:])

    return *handles, attn.register_forward_hook(hook)


def _giver(module: PreTrainedModel, attn: nn.Module) -> nn.Module:
    """The attention whose values this one reads: its own, or of the last like it with such."""
    if not attn.is_kv_shared_layer:
        return attn
    like = [
        one
        for one in module.modules()
        if type(one) is type(attn) and one.layer_type == attn.layer_type and hasattr(one, "v_norm")
    ]
    return like[-1]


def _rewrite_mid(block: nn.Module, paths, fn: Fn):
    """What the block gives when the residual between attention and MLP is ``fn`` of itself.

    The MLP half of the block is computed again from the new residual.
    """
    seen = []
    inner = _on_input(block.get_submodule(paths["mid"]), lambda x: seen.append(x) or x)

    def hook(_, args, output):
        inner.remove()
        mid = fn(seen[-1].clone())
        added = mid
        for path in paths["mlp"]:
            added = block.get_submodule(path)(added)
            added = added[0] if isinstance(added, tuple) else added
        new = mid + added * paths["scale"]
        return (new, *output[1:]) if isinstance(output, tuple) else new

    return block.register_forward_hook(hook)


@torch.no_grad()
def logits(module: PreTrainedModel, tokens: Tensor, kind=None, layer=None, fn=None) -> Tensor:
    """Logits [row, pos, vocabulary] with one site rewritten (or none)."""
    if kind is None:
        return module(tokens, use_cache=False).logits
    with hooked(module, str(kind), layer, fn):
        return module(tokens, use_cache=False).logits


def read(module: PreTrainedModel, tokens: Tensor, kind: str, layer: int | None) -> Tensor:
    """The activation at a site."""
    seen: list[Tensor] = []

    def keep(x: Tensor) -> Tensor:
        seen.append(x.detach().clone())
        return x

    logits(module, tokens, kind, layer, keep)
    (only,) = seen
    return only
