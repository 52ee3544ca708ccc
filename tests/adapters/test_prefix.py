"""Passes behind tokens that were run before: whatever transformers calls them, all are read."""

import pytest
import torch
from contract import check_that_prefixes_are_read
from torch import nn

from pytest_interp.adapters.prefix import behind
from pytest_interp.errors import HookError

TOKENS = torch.tensor([[5, 17, 42, 3], [7, 8, 9, 10]])


@pytest.mark.guarantee(
    "green",
    "A backend that leaves out the tokens which all rows begin with gives no numbers.",
    sees="a HookError that names the backend and the layers, and says what to install",
)
def test_a_prefix_that_a_backend_leaves_out_is_an_error(tiny, monkeypatch):
    check_that_prefixes_are_read(tiny)
    prefix = tiny.prefix(TOKENS[:, :2])
    forward = type(tiny)._forward
    monkeypatch.setattr(type(tiny), "_forward", lambda *args: forward(*args[:-1], None))
    with pytest.raises(
        HookError, match=f"under {tiny.backend}> did not read .* in layers 0, 1[,:]"
    ):
        tiny.run(TOKENS[:, 2:], prefix=prefix)
    monkeypatch.undo()
    tiny.run(TOKENS[:, 2:], prefix=prefix)


def test_a_layer_that_one_pass_left_out_is_named_also_after_a_pass_that_read_it(tiny):
    check_that_prefixes_are_read(tiny)
    prefix = tiny.prefix(TOKENS[:, :2])
    tiny.run(TOKENS[:, 2:], prefix=prefix)
    for layer in prefix.layers[1:]:
        layer.was_read = True
    with pytest.raises(HookError, match="in layers 0: "):
        prefix.check_read("somebody")


class OfToday(nn.Module):
    def forward(self, tokens, cache=None, use_cache=None): ...


class OfYesterday(nn.Module):
    def forward(self, tokens, past_key_values=None, use_cache=None): ...


@pytest.mark.parametrize(("model", "name"), [(OfToday, "cache"), (OfYesterday, "past_key_values")])
def test_a_cache_goes_by_the_name_that_the_model_gives_it(model, name):
    assert behind(model(), None) == {name: None, "use_cache": False}


def test_attention_of_the_model_inside_the_bridge_gets_the_cache_by_one_name():
    by_one = pytest.importorskip("pytest_interp.adapters.transformer_lens")._by_one_name
    kept = object()
    both = {"cache": kept, "past_key_values": kept, "mask": 1}
    assert by_one(nn.Identity(), (), both) == ((), {"cache": kept, "mask": 1})
    assert by_one(nn.Identity(), (), {"past_key_values": kept}) is None


def test_the_attention_of_the_bridge_gets_the_cache_by_the_name_that_it_reads():
    renamed = pytest.importorskip("pytest_interp.adapters.transformer_lens")._by_its_old_name
    kept = object()
    _, options = renamed(nn.Identity(), (), {"cache": kept, "mask": 1})
    assert options["past_key_values"] is kept
    assert options["mask"] == 1
    assert renamed(nn.Identity(), (), {"cache": None}) is None
    assert renamed(nn.Identity(), (), {"past_key_values": kept}) is None
