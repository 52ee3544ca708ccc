"""Which tensors of two checkpoints differ."""

from __future__ import annotations

import pytest
import torch

from pytest_interp.models.changes import TensorChange, TensorChanges
from pytest_interp.models.sources import FolderSource, PlantedSource
from pytest_interp.models.tensors import compare_tensors
from pytest_interp.planted import planted_model

ANY = pytest.mark.parametrize("architecture", ["gpt2", "llama"])
OUTPUT = {"gpt2": "h.1.mlp.c_proj", "llama": "layers.1.mlp.down_proj"}


def saved(folder, architecture, change=lambda module: None, dtype=torch.float32):
    planted = planted_model(architecture)
    module = planted.module.to(dtype)
    planted.tokenizer.save_pretrained(folder)
    with torch.no_grad():
        change(module)
    module.save_pretrained(folder)
    return FolderSource(folder)


def parameter(module, name):
    return module.base_model.get_submodule(name).weight


@ANY
def test_a_saved_copy_is_the_same(tmp_path, architecture):
    found = compare_tensors(PlantedSource(architecture), saved(tmp_path / "copy", architecture))
    assert not found.changes
    assert found.headline == f"none of {found.total} tensors differs"


@pytest.mark.guarantee(
    "messages",
    "Of two checkpoints the tensors that differ are named, and what became of them.",
    sees="1 of 272 tensors differs: layers.5.mlp.down_proj, all zero",
)
@ANY
def test_a_tensor_that_was_zeroed_is_named(tmp_path, architecture):
    name = OUTPUT[architecture]
    damaged = saved(tmp_path / "b", architecture, lambda m: parameter(m, name).zero_())
    found = compare_tensors(PlantedSource(architecture), damaged)
    assert found.headline == f"1 of {found.total} tensors differs: {name}, all zero"
    assert [change.layer for change in found.changes] == [1]


@pytest.mark.parametrize(
    ("architecture", "name", "axis"),
    [("gpt2", "h.1.attn.c_proj", 0), ("llama", "layers.1.self_attn.o_proj", 1)],
)
def test_a_head_that_was_taken_away_is_named(tmp_path, architecture, name, axis):
    config = planted_model(architecture).module.config
    heads = config.num_attention_heads
    shape = parameter(planted_model(architecture).module, name).shape
    width = shape[axis] // heads
    assert heads > 1

    def remove(module):
        parameter(module, name).narrow(axis, (heads - 1) * width, width).zero_()

    def fill(module):
        parameter(module, name).fill_(1.0)

    whole = saved(tmp_path / "a", architecture, fill)
    found = compare_tensors(
        whole, saved(tmp_path / "b", architecture, lambda m: (fill(m), remove(m)))
    )
    noun, first = ("rows" if axis == 0 else "columns"), (heads - 1) * width
    where = f"{noun} {first} to {shape[axis] - 1} of {shape[axis]} (head {heads - 1}) all zero"
    assert [str(change) for change in found.changes] == [f"{name}, {where}"]


def test_noise_everywhere_is_a_size_and_a_bounded_list(tmp_path):
    def shake(module):
        torch.manual_seed(0)
        for tensor in module.parameters():
            tensor.add_(0.01 * tensor.norm() / tensor.numel() ** 0.5 * torch.randn_like(tensor))

    def fill(module):
        torch.manual_seed(1)
        for tensor in module.parameters():
            tensor.copy_(torch.randn_like(tensor))

    whole = saved(tmp_path / "a", "llama", fill)
    found = compare_tensors(whole, saved(tmp_path / "b", "llama", lambda m: (fill(m), shake(m))))
    assert len(found.changes) == found.total
    assert found.headline.endswith("of their norm (median)")
    assert all(0.005 < change.moved < 0.02 for change in found.changes)
    # none stands out
    assert found.lines() == [found.headline]


def test_a_narrower_dtype_alone_is_no_change(tmp_path):
    narrow = saved(tmp_path / "b", "llama", dtype=torch.bfloat16)
    assert not compare_tensors(PlantedSource("llama"), narrow).changes


def test_another_architecture_shares_little(tmp_path):
    found = compare_tensors(PlantedSource("gpt2"), saved(tmp_path / "b", "llama"))
    assert {"is gone", "is new"} <= {change.what for change in found.changes}


def test_numbers_that_are_not_finite_are_said(tmp_path):
    name = OUTPUT["llama"]
    broken = saved(tmp_path / "b", "llama", lambda m: parameter(m, name).fill_(float("nan")))
    found = compare_tensors(PlantedSource("llama"), broken)
    assert str(found.changes[0]) == f"{name}, holds numbers that are not finite"


def test_tensors_of_one_layer_are_said_to_be():
    changes = (
        TensorChange("layers.5.mlp.up_proj", "all zero", 1.0),
        TensorChange("layers.5.mlp.down_proj", "all zero", 1.0),
    )
    assert TensorChanges(272, changes).headline == "2 of 272 tensors differ, all in layer 5"


def test_of_many_tensors_those_are_named_that_stand_out():
    noise = tuple(TensorChange(f"layers.{i}.mlp.up_proj", "moved", 0.01) for i in range(60))
    zeroed = tuple(TensorChange(f"layers.{i}.mlp.down_proj", "all zero", 1.0) for i in range(12))
    lines = TensorChanges(272, (*zeroed, *noise)).lines()
    assert lines[1:] == [*(f"  {change}" for change in zeroed[:8]), "  ... and 64 more"]
    few = TensorChanges(272, noise[:3]).lines()
    assert few[1:] == [f"  {change}" for change in noise[:3]]
