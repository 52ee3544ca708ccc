"""What ``models check`` compares besides sites and sums: tokens run before the others."""

import pytest
import torch
from tiny import ARCHITECTURES, tiny_weights

from pytest_interp.adapters import backend_names
from pytest_interp.adapters.nnsight import NNsightAdapter
from pytest_interp.models.check import Comparison, behind_a_prefix, check_model

TOKENS = torch.tensor([[5, 17, 42, 3, 28]])


def prefix_row(architecture: str, *backends: str) -> Comparison:
    return behind_a_prefix(tiny_weights(architecture), backends, TOKENS, limit=1e-4)


KEPT = pytest.mark.guarantee(
    "green",
    "A model whose passes behind a prefix are not those of the whole prompt is found.",
    sees="the row prefix of pytest-interp models check: ok or DIFFERS, and why",
)


@KEPT
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_pass_behind_a_prefix_is_that_of_the_whole_prompt(architecture):
    row = prefix_row(architecture, *backend_names())
    assert row.holds
    assert row.differences.keys() == set(backend_names())


@KEPT
def test_a_pass_that_sees_other_tokens_differs(monkeypatch):
    prefix = NNsightAdapter.prefix
    monkeypatch.setattr(NNsightAdapter, "prefix", lambda self, tokens: prefix(self, tokens.flip(1)))
    row = prefix_row("llama", "nnsight")
    assert not row.holds
    assert row.differences["nnsight"] > 1e-3


def test_a_backend_that_leaves_it_out_is_named(monkeypatch):
    forward = NNsightAdapter._forward
    monkeypatch.setattr(NNsightAdapter, "_forward", lambda *args: forward(*args[:-1], None))
    row = prefix_row("llama", "nnsight")
    assert not row.holds
    assert "under nnsight> did not read the tokens" in row.reasons[0]


def test_it_is_a_row_of_the_check_and_one_token_has_none():
    found = {one.name: one for one in check_model(tiny_weights("llama"), ["nnsight"], "w1")}
    assert found["prefix"].not_applicable
    assert found["prefix"].holds
