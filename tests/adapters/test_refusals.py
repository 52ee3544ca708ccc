"""What an adapter refuses, and how it says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from contract import check_that_rows_join, check_writable
from tiny import tiny_module, tiny_tokenizer
from torch import Tensor

from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.adapters.sites import ATTN_OUT, HEAD, PATTERN, RESID_MID, RESID_POST, Site
from pytest_interp.errors import (
    ExperimentError,
    HookError,
    NotAModelError,
    UnknownNameError,
    UnsupportedSiteError,
)

TOKENS = [[5, 17, 42, 3, 28, 11, 50], [7, 8, 9, 10, 11, 12, 13]]


def test_a_layer_that_is_not_there(tiny):
    with pytest.raises(UnsupportedSiteError, match=r"resid_post\.9 .* layers 0 to 3"):
        tiny.run(TOKENS, capture=[Site(RESID_POST, 9)])


def test_a_site_that_can_be_captured_alone(tiny):
    fixed = Site(replace(PATTERN, read_only=True), 1)
    with pytest.raises(UnsupportedSiteError, match=r"pattern\.1 can be captured"):
        tiny.run(TOKENS, edits={fixed: lambda x: x})


def test_an_edit_that_changes_the_shape(tiny):
    with pytest.raises(HookError, match=r"\[2, 6, 32\].*\[2, 7, 32\]"):
        tiny.run(TOKENS, edits={Site(RESID_POST, 1): lambda x: x[:, 1:]})


@pytest.mark.parametrize("kind", ["q", "k", "v", "pattern"])
def test_rows_that_join_where_the_block_counts_them(tiny, kind):
    """Behind these the block puts heads side by side for as many rows as came in."""
    check_writable(tiny, Site(kind, 1))
    with pytest.raises(HookError, match=r"2 rows where 1 came in.*resid_pre\.1"):
        tiny.run(TOKENS[:1], edits={Site(kind, 1): lambda x: torch.cat([x, 2 * x])})


@pytest.mark.parametrize("kind", ["head", "attn_out", "resid_mid", "mlp_neurons", "mlp_out"])
def test_rows_that_join_within_a_block(tiny, kind):
    """One row broadcasts over those that join; several do not."""
    check_that_rows_join(tiny)
    (site,), tokens = check_writable(tiny, Site(kind, 1)), torch.tensor(TOKENS)
    grown = tiny.run(tokens[:1], edits={site: lambda x: torch.cat([x, 2 * x])})
    assert len(grown.logits) == 2
    with pytest.raises(HookError, match=r"4 rows where 2 came in.*resid_pre\.1"):
        tiny.run(tokens, edits={site: lambda x: torch.cat([x, x])})


def test_a_site_that_the_architecture_lacks(tiny, monkeypatch):
    lacking = replace(tiny.layout, lacks={"head": "it was cut off"}, resid_mid=None)
    monkeypatch.setattr(tiny, "layout", lacking)
    for kind, why in ((HEAD, "it was cut off"), (RESID_MID, "attention and MLP run side by side")):
        said = f"'{lacking.name}' has no {kind}, because {why}"
        with pytest.raises(UnsupportedSiteError, match=said):
            tiny.run(TOKENS, capture=[Site(kind, 1)])
    assert tiny.run(TOKENS, capture=[Site(ATTN_OUT, 1)]).captured


def test_a_layout_of_another_model(backend, monkeypatch):
    module = tiny_module("gpt2")
    monkeypatch.setattr(module.config, "model_type", "llama")
    weights = Weights("disguised", module, tiny_tokenizer(), "random")
    with pytest.raises(NotAModelError, match=r"GPT2LMHeadModel without model\.embed_tokens"):
        open_adapter(weights, backend)


def test_an_edit_that_forgets_to_return(tiny):
    with pytest.raises(HookError, match="return x"):
        tiny.run(TOKENS, edits={Site(RESID_POST, 1): lambda x: None})


def test_a_failing_edit_shows_its_own_error(tiny):
    def broken(x: Tensor) -> Tensor:
        raise ZeroDivisionError("the user's own mistake")

    with pytest.raises(ZeroDivisionError, match="own mistake"):
        tiny.run(TOKENS, edits={Site(RESID_POST, 1): broken})
    assert tiny.run(TOKENS).logits.isfinite().all(), "the next run is not harmed"


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UnknownNameError, match="'resid_post'"):
        Site("resid_pots", 1)


def test_a_kind_without_its_layer():
    with pytest.raises(ExperimentError, match="needs a layer"):
        Site(RESID_POST)


def test_a_hook_that_never_fires(tiny, monkeypatch):
    """A site that the pass does not come by is an error, not a silent no-op."""
    forward = type(tiny)._forward

    def forget(self, tokens, taps, *rest):
        return forward(self, tokens, dict(list(taps.items())[1:]), *rest)

    monkeypatch.setattr(type(tiny), "_forward", forget)
    with pytest.raises(HookError, match=r"resid_post\.1 fired 0 times"):
        tiny.run(TOKENS, capture=[Site(RESID_POST, 1)])
