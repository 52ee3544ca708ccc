"""Weights that are not finite are named when they are loaded."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from pytest_interp.adapters.state import listed
from pytest_interp.errors import DamagedWeightsError, DeviceError
from pytest_interp.models import finite, load_weights, register_model
from pytest_interp.models.sources import PlantedSource
from pytest_interp.planted import planted_model

NAN, INF = float("nan"), float("inf")


def spoil(folder, **values):
    """Write a value into the first place of each of these tensors."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    for name, value in values.items():
        tensors[name].view(-1)[0] = value
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.guarantee(
    "undefined",
    "Weights with NaN or infinities are refused when they are loaded.",
    sees="`DamagedWeightsError` with the number of tensors, the first of them, and how many of"
    " their numbers are not finite.",
)
@pytest.mark.parametrize(
    ("value", "count"), [(NAN, "1 NaN of"), (INF, "1 infinite of"), (-INF, "1 infinite of")]
)
def test_weights_that_are_not_finite_are_named(tiny, value, count):
    load_weights(tiny, "cpu", "float32")
    spoil(tiny, **{"transformer.h.1.mlp.c_fc.weight": value, "transformer.ln_f.bias": value})
    with pytest.raises(DamagedWeightsError, match="2 of its tensors are not finite") as raised:
        load_weights(tiny, "cpu", "float32")
    assert f"transformer.h.1.mlp.c_fc.weight ({count} 1024)" in str(raised.value)
    assert f"transformer.ln_f.bias ({count} 16)" in str(raised.value)
    assert str(tiny) in str(raised.value)


def test_infinities_that_cancel_are_found_too(tiny):
    module = load_weights(tiny, "cpu", "float32").module
    bias = module.transformer.ln_f.bias
    bias[0], bias[1] = INF, -INF
    assert finite.not_finite(module) == ["transformer.ln_f.bias (2 infinite of 16)"]
    bias[2] = NAN
    assert finite.not_finite(module) == ["transformer.ln_f.bias (1 NaN, 2 infinite of 16)"]


def test_large_numbers_whose_sum_overflows_are_finite(tiny):
    module = load_weights(tiny, "cpu", "float32").module
    module.transformer.ln_f.bias[:] = torch.finfo(torch.float32).max
    assert finite.not_finite(module) == []


def test_a_table_that_the_config_makes_infinite_is_named():
    module = planted_model("llama").module
    module.model.rotary_emb.inv_freq[0] = INF
    (found,) = [name for name in finite.not_finite(module) if "original" not in name]
    assert found.startswith("model.rotary_emb.inv_freq (1 infinite of ")


def test_many_tensors_are_counted_and_the_first_are_named():
    module = planted_model("gpt2").module
    weights = list(module.parameters())[:12]
    with torch.no_grad():
        for tensor in weights:
            tensor.view(-1)[0] = NAN
    found = finite.not_finite(module)
    assert len(found) == 12
    assert listed(found, 5) == f"{', '.join(found[:5])} and 7 more"


@pytest.mark.guarantee(
    "undefined",
    "A dtype that the weights overflow is refused.",
    sees="`DeviceError` with the largest number of the dtype, the tensors, and the dtypes to ask"
    " for instead.",
)
@pytest.mark.parametrize(
    ("value", "dtype", "instead"),
    [
        (1e5, "float16", "Load them as float32 or bfloat16"),
        (3.4e38, "bfloat16", "Load them as float32."),
    ],
)
def test_weights_that_a_dtype_cannot_hold_are_named_with_the_dtypes_that_can(
    tiny, value, dtype, instead
):
    spoil(tiny, **{"transformer.ln_f.weight": value})
    load_weights(tiny, "cpu", "float32")
    with pytest.raises(DeviceError, match=r"do not fit into .*ln_f\.weight \(1 infinite") as raised:
        load_weights(tiny, "cpu", dtype)
    assert instead in str(raised.value)


def test_weights_that_are_broken_in_every_dtype_are_damaged_in_each(tiny):
    spoil(tiny, **{"transformer.ln_f.weight": NAN})
    with pytest.raises(DamagedWeightsError):
        load_weights(tiny, "cpu", "float16")


class BrokenSource(PlantedSource):
    def load(self, dtype):
        module, tokenizer = super().load(dtype)
        module.transformer.ln_f.weight[0] = NAN
        return module, tokenizer


def test_weights_of_every_source_are_looked_at():
    register_model("broken", BrokenSource("gpt2"))
    with pytest.raises(DamagedWeightsError, match=r"ln_f\.weight \(1 NaN"):
        load_weights("broken", "cpu")
