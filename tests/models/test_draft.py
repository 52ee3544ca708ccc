"""Layouts that nobody wrote: those of this package, taken away and found again."""

from dataclasses import replace

import pytest
import torch
from architectures import BUILD
from tiny import tiny_module, tiny_tokenizer, tiny_weights

from pytest_interp.adapters import backends
from pytest_interp.adapters.layouts import ARCHITECTURES, layout_of
from pytest_interp.cli import main
from pytest_interp.errors import NotAModelError
from pytest_interp.models import register_model
from pytest_interp.models.check import check_model
from pytest_interp.models.draft import draft_layout
from pytest_interp.models.recorded import record

TOKENS = torch.tensor([[2, 3, 4, 21, 6]])
PLACES = (
    *("embed", "blocks", "attention", "z", "attn_out", "resid_mid", "mlp_out", "final_norm"),
    *("q", "k", "v", "neurons", "embed_scale", "branch_scale"),
)
NONE = ("qwen3_5", "qwen3_5_text", "gemma4", "gemma4_text")
"""Layers without attention, and more than two branches: no draft."""
LEFT_OUT = {
    # clipped behind the projections, so that these give other values than are weighed
    "olmo": ("q", "k", "v"),
    "olmoe": ("q", "k", "v", "neurons"),
    "qwen3_moe": ("neurons",),
    "qwen2_moe": ("neurons",),
    "phi": ("embed",),  # the module behind it, which gives the same
}
FOUND = pytest.mark.guarantee(
    "green",
    "The layout of an architecture that nobody described is drafted by arithmetic, and proved.",
    sees="pytest-interp models describe prints code for register_layout, and the check of it",
)


@FOUND
@pytest.mark.parametrize("name", [name for name in BUILD if name not in NONE])
def test_a_layout_is_found_again(name, monkeypatch):
    weights = tiny_weights(name)
    written = layout_of(weights.module.config)
    monkeypatch.setattr(ARCHITECTURES, "_things", {})  # none is known any more
    drafted = draft_layout(weights, TOKENS).layout
    other = [one for one in PLACES if getattr(drafted, one) != getattr(written, one)]
    assert set(other) <= set(LEFT_OUT.get(name, ()))


@FOUND
@pytest.mark.parametrize(("name", "lost"), [("qwen3_5_text", "attention"), ("gemma4_text", "attn")])
def test_what_is_no_plain_transformer_is_refused(name, lost):
    with pytest.raises(NotAModelError, match=f"What was not found is {lost}"):
        draft_layout(tiny_weights(name), TOKENS)


def test_the_code_makes_the_same_layout():
    drafted = draft_layout(tiny_weights("gpt_neox"), TOKENS)
    del ARCHITECTURES.here()["gpt_neox"]
    exec(drafted.code(), {})
    assert ARCHITECTURES.find("gpt_neox") == drafted.layout


PROVED = [name for name in BUILD if name not in (*NONE, *LEFT_OUT, "mixtral", "gpt_oss")]


@FOUND
@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED)
def test_pasted_code_opens_the_model_and_passes_the_check(name, monkeypatch):
    weights = tiny_weights(name)
    monkeypatch.setattr(ARCHITECTURES, "_things", {})
    exec(draft_layout(weights, TOKENS).code(), {})
    found = check_model(weights, ["nnsight"], "w1 w2 w3 w20 w5")
    assert all(one.holds for one in found)


@pytest.fixture
def unknown(tmp_path, monkeypatch):
    """A model whose architecture nobody has described."""
    tiny_module("granite").save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    register_model("unknown", tmp_path)
    del ARCHITECTURES.here()["granite"]
    return "unknown"


@FOUND
def test_the_command_prints_code_and_proves_it(unknown, capsys):
    assert main(["models", "describe", unknown, "--prompt", "w1 w2 w3 w20 w5"]) == 0
    out = capsys.readouterr().out
    assert 'attn_out="self_attn",' in out
    assert "branch_scale=" in out
    assert "resid_pre + attn_out + mlp_out = resid_post" in out
    assert "the draft is complete, and passes" in out
    assert "granite" not in ARCHITECTURES


@FOUND
def test_a_draft_that_is_wrong_does_not_pass(unknown, capsys, monkeypatch):
    from pytest_interp.models import draft

    drafted = draft.draft_layout

    def wrong(*given):
        made = drafted(*given)
        return replace(made, layout=replace(made.layout, resid_mid="input_layernorm"))

    monkeypatch.setattr(draft, "draft_layout", wrong)
    monkeypatch.setattr(backends, "installed_backends", lambda: ("nnsight",))
    assert main(["models", "describe", unknown, "--prompt", "w1 w2 w3 w20 w5"]) == 1
    assert "the draft does not pass: " in capsys.readouterr().out


class Positions(torch.nn.Module):
    """Takes no tensor: a module of which nothing is known by what enters it."""

    def forward(self, n):
        return torch.arange(float(n))


class Counting(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.positions = Positions()
        self.twice = torch.nn.Identity()
        self.once = torch.nn.Identity()

    def forward(self, tokens, use_cache):
        return self.once(self.twice(self.twice(tokens)) + self.positions(tokens.shape[1]))


def test_only_modules_that_take_a_tensor_once_are_recorded():
    found = record(Counting(), TOKENS)
    assert list(found) == ["once", ""]
    assert torch.equal(found["once"].taken, TOKENS + torch.arange(5.0))
    assert found[""].begun < found["once"].begun < found["once"].order < found[""].order
