"""Architectures in which most layers are linear attention."""

from __future__ import annotations

from dataclasses import replace

from pytest_interp.adapters.architectures.llama import LLAMA
from pytest_interp.adapters.architectures.settings import in_wrapper
from pytest_interp.adapters.layouts import register_layout
from pytest_interp.adapters.places import ModulePlace

_RECURRENT = "it is linear attention, which has a state in place of heads that look at tokens"
_QWEN3_5 = register_layout(
    replace(
        LLAMA,
        name="qwen3_5",
        model_types=("qwen3_5_text",),
        q=ModulePlace("self_attn.q_proj", "output", part=(0, 2), in_each_head=True),
        attn_out_else="linear_attn",
        some_lack=dict.fromkeys(("q", "k", "v", "pattern", "head"), _RECURRENT),
        unseen={
            "transformer_lens": {"q": "TransformerLens shows gates among the queries: use nnsight"}
        },
        breaks={"pattern @ v = head": "a gate multiplies what each head gives"},
        no_prefix="its layers of linear attention hand on a state, and no keys and values",
        special="three of four layers are linear attention, with a state in place of keys and "
        "values; in the others a gate multiplies what each head gives before the site head",
    )
)
register_layout(
    replace(
        in_wrapper(_QWEN3_5),
        model_types=("qwen3_5",),
        special="the text model of one that also sees: as qwen3_5_text",
    )
)
