"""Architectures with a router and experts in place of one MLP."""

from __future__ import annotations

from dataclasses import replace

from pytest_interp.adapters.architectures.llama import LLAMA
from pytest_interp.adapters.architectures.settings import clipped_if_asked
from pytest_interp.adapters.layouts import register_layout

_ROUTER = "a router sends each token to some of many experts: there is no one row of neurons"
for _type, _special in {
    "qwen3_moe": "a router and experts in place of one MLP, in the layers that the config names; "
    "an edit may change which experts are chosen",
    "qwen2_moe": "as qwen3_moe, and one expert that every token goes to as well",
}.items():
    register_layout(
        replace(
            LLAMA,
            name="qwen3_moe",
            model_types=(_type,),
            some_lack={"mlp_neurons": _ROUTER},
            special=_special,
        )
    )
for _type, _special in {
    "mixtral": "a router and experts in place of one MLP, in every layer",
    "olmoe": "as mixtral; all queries, and all keys, are normed together behind q and k",
    "gpt_oss": "as mixtral, and its MLP gives a tuple; each head has a sink, so that the rows of a "
    "pattern sum to less than 1; every second layer looks back over a window alone",
}.items():
    register_layout(
        replace(
            LLAMA,
            name=_type,
            model_types=(_type,),
            neurons=None,
            lacks={"mlp_neurons": _ROUTER},
            fit=clipped_if_asked if _type == "olmoe" else None,
            special=_special,
        )
    )
