"""Architectures with a router and experts in place of one MLP."""

from __future__ import annotations

from dataclasses import replace

from pytest_interp.adapters.architectures.llama import LLAMA
from pytest_interp.adapters.layouts import register_layout

_ROUTER = "a router sends each token to some of many experts: there is no one row of neurons"
register_layout(
    replace(
        LLAMA,
        name="qwen3_moe",
        model_types=("qwen3_moe",),
        some_lack={"mlp_neurons": _ROUTER},
        special="a router and experts in place of one MLP, in the layers that the config names; "
        "an edit may change which experts are chosen",
    )
)
for _type, _special in {
    "mixtral": "a router and experts in place of one MLP, in every layer",
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
            special=_special,
        )
    )
