"""Every experiment on every architecture: right numbers on both backends, or a refusal by name.

The numbers of both backends are compared with those of a model in which nothing is shared: all rows
begin with the pass, and no row goes on behind another. Other tests compare them with plain hooks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest
from architectures import BUILD
from every_experiment import CALLS, numbers
from tiny import adapter_of, tiny_weights

from pytest_interp.adapters import open_adapter
from pytest_interp.errors import ExperimentError, NotAModelError, UnsupportedSiteError
from pytest_interp.experiments.registry import EXPERIMENTS

LINEAR, GEMMA4 = ("qwen3_5_text", "qwen3_5"), ("gemma4_text", "gemma4")
BESIDE = ("stablelm-parallel", "gpt_neox", "phi", "cohere")
EXPERTS = ("qwen3_moe", "qwen2_moe", "olmoe", "mixtral", "gpt_oss")
IS_LINEAR = dict.fromkeys(
    LINEAR,
    "because it is linear attention, which has a state in place of heads that look at tokens; "
    "there is one in layers 1, 3",
)
REFUSED = {
    "attention_patterns": IS_LINEAR,
    "attribution_patching": IS_LINEAR,
    "causal_trace resid_mid": {
        **dict.fromkeys(BESIDE, "run side by side"),
        **dict.fromkeys(GEMMA4, "adds more than attention and MLP"),
    },
    "causal_trace mlp_neurons": dict.fromkeys(EXPERTS, "a router sends each token"),
    "causal_traces": IS_LINEAR,
    "induction_scores": IS_LINEAR,
    "knock_out_attention": IS_LINEAR,
    "trace_heads": IS_LINEAR,
}
"""By call and model, the reason on every backend."""
TOO_LATE = "shows it when nothing reads it any more: use nnsight"
WITHOUT = {
    "knock_out_attention": dict.fromkeys(("gpt_neo", *GEMMA4), TOO_LATE),
    "knock_out_attention layers": dict.fromkeys(("gpt_neo", *GEMMA4), TOO_LATE),
    "path_patching q": {"qwen3_5_text": "shows gates among the queries: use nnsight"},
    "trace_heads q": {"qwen3_5_text": "shows gates among the queries: use nnsight"},
}
"""The same, of what TransformerLens alone does not show."""
CLEAR = (UnsupportedSiteError, NotAModelError, ExperimentError)
QUICK = {
    "gemma4_text": ("ablate", "causal_trace noise", "circuit", "attribution_patching", "steer"),
    "qwen3_5_text": ("causal_trace", "circuit", "attribution_patching layers", "steer"),
    "cohere": ("causal_trace resid_mid", "circuit"),
}
CASES = [
    pytest.param(model, call, marks=[] if call in QUICK.get(model, ()) else pytest.mark.slow)
    for model in BUILD
    for call in CALLS
]


def refusal(model, backend, call):
    """The reason that is expected; none where there should be numbers."""
    if (model, backend) == ("qwen3_5", "transformer_lens"):
        return "TransformerLens has no bridge"
    special = WITHOUT.get(call, {}).get(model) if backend == "transformer_lens" else None
    return special or REFUSED.get(call, {}).get(model)


@cache
def alone(model):
    """The model under nnsight; each run is made of whole rows that begin with the pass."""
    adapter = open_adapter(tiny_weights(model), "nnsight")
    why = "this is the reference"
    adapter.layout = replace(adapter.layout, one_batch=why, no_prefix=why)
    return adapter


def found_by(call, adapter):
    return dict(numbers(CALLS[call](adapter).to_json()))


@pytest.mark.guarantee(
    "red",
    "On every architecture and backend an experiment gives right numbers, or a refusal that names "
    "what the architecture or the backend has not.",
    sees="An UnsupportedSiteError with the reason and the layers or the backend that have it; never"
    " an error from inside of a run.",
)
@pytest.mark.parametrize(("model", "call"), CASES)
def test_there_are_right_numbers_or_a_refusal_by_name(model, call):
    wanted = None
    for backend in ("nnsight", "transformer_lens"):
        why = refusal(model, backend, call)
        if why is not None:
            with pytest.raises(CLEAR, match=re.escape(why)):
                CALLS[call](adapter_of(model, backend))
            continue
        wanted = wanted or found_by(call, alone(model))
        found = found_by(call, adapter_of(model, backend))
        assert found.keys() == wanted.keys()
        # a rank of a probe goes by which of two numbers is larger, however little
        within = 5e-3 if call == "probe" else 1e-3 if model in GEMMA4 else 2e-4
        for path, value in wanted.items():
            if isinstance(value, float):
                value = pytest.approx(value, abs=within, rel=1e-3, nan_ok=True)
            assert found[path] == value, (backend, path)


def test_each_shipped_experiment_is_called():
    shipped = {
        name
        for name in EXPERIMENTS.names()
        if EXPERIMENTS.find(name).target.__module__.startswith("pytest_interp.")
    }
    assert {name.partition(" ")[0] for name in CALLS} == shipped
    assert {*REFUSED, *WITHOUT} <= {*CALLS}
