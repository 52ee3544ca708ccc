"""Half precision on the CPU: what is allowed for rounding holds, and hides no wrong place."""

from dataclasses import replace

import pytest
import torch

from pytest_interp import assert_fact_localized, causal_trace, load_model
from pytest_interp.adapters import Weights
from pytest_interp.adapters.layouts import ARCHITECTURES, register_layout
from pytest_interp.errors import ClaimFailed
from pytest_interp.models.check import check_model
from pytest_interp.planted import planted_model
from pytest_interp.precision import PRECISIONS, precision_of
from pytest_interp.results.tolerances import float_tolerance, rank_tolerance
from tests.tiny import ARCHITECTURES as TINY, tiny_module, tiny_tokenizer

HALF = ("bfloat16", "float16")
KEPT = pytest.mark.guarantee(
    "red",
    "In half precision every backend is within limits that were measured, on each architecture.",
    sees="The dtype, what differs, and by how much.",
)


def weights(architecture: str, dtype: str) -> Weights:
    module = tiny_module(architecture).to(getattr(torch, dtype))
    return Weights(f"tiny-{architecture}", module, tiny_tokenizer(), "random")


@KEPT
@pytest.mark.parametrize(
    ("architecture", "dtype"),
    [*((name, "bfloat16") for name in TINY), ("gpt2", "float16"), ("gemma3", "float16")],
)
def test_every_site_sum_and_edit_is_within_the_limit_of_its_dtype(architecture, dtype):
    found = check_model(weights(architecture, dtype), ["nnsight"], "w7 w3 w11 w5 w9")
    assert [(one.name, one.differences, one.reasons) for one in found if not one.holds] == []


@KEPT
@pytest.mark.parametrize("dtype", HALF)
def test_the_limit_hides_no_wrong_place(dtype):
    right = ARCHITECTURES.find("llama")
    register_layout(replace(right, mlp_out="post_attention_layernorm"), replace=True)
    found = {
        one.name: one for one in check_model(weights("llama", dtype), ["nnsight"], "w7 w3 w11")
    }
    assert not found["resid_pre + attn_out + mlp_out = resid_post"].holds


@KEPT
@pytest.mark.parametrize("dtype", HALF)
def test_a_true_claim_holds_and_a_false_one_fails(dtype):
    model = load_model("planted-llama", "nnsight", "cpu", dtype)
    trace = causal_trace(model, planted_model("llama").facts[0])
    assert_fact_localized(trace, "resid_post@subject", layer_range=(0, 3))
    with pytest.raises(ClaimFailed):
        assert_fact_localized(trace, "resid_post@subject", layer_range=(0, 4))


def test_one_table_serves_checks_and_baselines():
    assert precision_of(torch.float16) is precision_of("float16") is PRECISIONS["float16"]
    assert precision_of("float8") is PRECISIONS["float32"]
    for dtype, limits in PRECISIONS.items():
        assert float_tolerance(dtype).atol == float_tolerance(dtype).rtol == limits.numbers
        assert rank_tolerance(dtype).rtol == limits.ranks
    for name in ("activations", "numbers", "kl", "parts", "norm", "heads"):
        values = [getattr(PRECISIONS[dtype], name) for dtype in PRECISIONS]
        assert values == sorted(values), name
