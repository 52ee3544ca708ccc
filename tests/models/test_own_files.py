"""Weights in files of the user's own: GGUF files, adapters, revisions, and room for them."""

import json
import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pytest_interp.errors import (
    DamagedWeightsError,
    MemoryLimitError,
    NotAModelError,
    UnknownNameError,
)
from pytest_interp.models import HubSource, load_model, load_weights, room
from pytest_interp.models.registry import find_model
from tests.models.test_gguf import write_tiny

ANY = pytest.mark.guarantee(
    "green",
    "A GGUF file, a revision of the hub and a LoRA adapter on its base are given as a model.",
    sees="path/to/model.gguf, org/name@revision or the adapter's folder wherever a name is taken",
)


@ANY
def test_a_gguf_file_is_a_model(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / "cache"))
    tensors = write_tiny(tmp_path / "own.gguf")
    weights = load_weights(tmp_path / "own.gguf", "cpu", "float32")
    assert np.array_equal(weights.module.lm_head.weight.numpy(), tensors["output"])
    assert weights.source == f"GGUF file {tmp_path / 'own.gguf'}"


@pytest.mark.guarantee(
    "files",
    "A GGUF file whose tensors are not those of its model is refused: none is made up, and none is "
    "left out.",
    sees="`DamagedWeightsError` with the number of tensors, or of numbers, and the first of them.",
)
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"blk__0__ffn_down": None}, r"lacks 1 tensors of a llama, .*mlp\.down_proj\.weight"),
        ({"blk__1__attn_q": (16, 16)}, r"256 numbers .* the first is 'blk\.1\.attn_q\.weight'"),
        ({"rope_freqs": (4,)}, r"4 numbers .* the first is 'rope_freqs\.weight'"),
    ],
)
def test_a_gguf_file_of_other_tensors_is_refused(tmp_path, monkeypatch, changed, message):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / "cache"))
    write_tiny(tmp_path / "own.gguf", **changed)
    for _ in range(2):  # nothing of it was kept
        with pytest.raises(DamagedWeightsError, match=message):
            load_weights(tmp_path / "own.gguf", "cpu", "float32")


def test_a_file_that_is_none_and_one_that_is_missing_are_named(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(NotAModelError, match=r"a\.gguf is no GGUF file"):
        load_weights(tmp_path / "a.gguf")
    with pytest.raises(NotAModelError, match="there is no folder or file"):
        load_weights("models/b.gguf")
    with pytest.raises(NotAModelError, match="there is no folder or file checkpoint"):
        load_weights("checkpoint/")


@ANY
def test_a_revision_is_that_of_the_name(hub):
    newest = load_weights("org/tiny", "cpu", "float32")
    older = load_weights("org/tiny@v1", "cpu", "float32")
    exact = load_weights(f"org/tiny@{'b' * 40}", "cpu", "float32")
    assert older.source == "hub org/tiny@v1"
    assert older.fingerprint == exact.fingerprint != newest.fingerprint
    with pytest.raises(Exception, match="v2"):
        load_weights("org/tiny@v2", "cpu")


def test_a_revision_may_have_slashes_and_a_name_may_not():
    assert find_model("org/name@refs/pr/1").source == HubSource("org/name", "refs/pr/1")
    with pytest.raises(UnknownNameError, match="org/name@revision"):
        find_model("org/name@")


@ANY
def test_an_adapter_is_merged_into_its_base(adapted):
    pytest.importorskip("peft", reason="the extra peft is not installed")
    folder, base, changes = adapted
    plain = load_weights(base, "cpu", "float32")
    model = load_model(folder, "nnsight", "cpu", "float32")
    before, after = plain.module.state_dict(), model.weights.module.state_dict()
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        expected = tensor + changes.get(name, 0)
        torch.testing.assert_close(after[name], expected, atol=1e-5, rtol=0)
    said = model.provenance()
    assert said.fingerprint != plain.fingerprint
    assert f"fingerprint {plain.fingerprint}" in said.source
    assert f"merged into folder {base}" in said.source


@pytest.mark.guarantee(
    "files",
    "An adapter that is a pickle, is no LoRA or belongs to another model is refused.",
    sees="`NotAModelError` with what it is, what was expected, and what to do.",
)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "adapter_model.safetensors").rename(f / "adapter_model.bin"), "pickles"),
        (lambda f: change(f, peft_type="IA3"), "adapter type 'IA3'"),
        (lambda f: change(f, megatron_config={"x": 1}), "asks for megatron_config"),
        (lambda f: change(f, target_modules=["nothing"]), "does not fit its base model"),
        (lambda f: change(f, target_modules=["v_proj", "q_proj"]), "4 tensors are missing"),
        (lambda f: change(f, base_model_name_or_path=None), "names no base model"),
        (lambda f: change(f, base_model_name_or_path="."), "is an adapter itself"),
    ],
)
def test_an_adapter_that_cannot_be_merged_is_named(adapted, spoil, message):
    pytest.importorskip("peft", reason="the extra peft is not installed")
    folder, _, _ = adapted
    spoil(folder)
    with pytest.raises(NotAModelError, match=message):
        load_weights(folder, "cpu")


def change(folder, **values):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


ROOM = pytest.mark.guarantee(
    "messages",
    "A model that does not fit into memory is refused before it is loaded.",
    sees="What it takes, what is free, and what to change, by the headers of its files.",
)


@ROOM
@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("bfloat16", 2)])
def test_a_model_that_does_not_fit_is_not_loaded(tiny, monkeypatch, dtype, size):
    numbers = sum(tensor.numel() for tensor in load_file(tiny / "model.safetensors").values())
    monkeypatch.setattr(room, "free_bytes", lambda _: int(numbers * size * 1.05))
    with pytest.raises(MemoryLimitError, match=f"its {numbers:,} numbers take") as raised:
        load_weights(tiny, "cpu", dtype)
    assert "are free on cpu" in str(raised.value)
    assert ("bfloat16" in str(raised.value).partition("Free memory")[2]) == (size == 4)
    monkeypatch.setattr(room, "free_bytes", lambda _: int(numbers * size * 1.2))
    load_weights(tiny, "cpu", dtype)


@ROOM
def test_half_of_what_is_built_in_is_free_where_the_system_does_not_say(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "none")
    pages = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    assert room.free_bytes(torch.device("cpu")) == 500 * 4096


@ROOM
def test_a_gguf_file_that_does_not_fit_is_not_dequantised(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / "cache"))
    write_tiny(tmp_path / "own.gguf")
    monkeypatch.setattr(room, "free_bytes", lambda _: 1000)
    with pytest.raises(MemoryLimitError, match=r"own\.gguf does not fit"):
        load_weights(tmp_path / "own.gguf", "cpu")
