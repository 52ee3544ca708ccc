"""The tensors of a checkpoint are those that its config asks for: no more, no fewer, no others."""

import json
import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from pytest_interp.adapters import register_layout
from pytest_interp.adapters.layouts import ARCHITECTURES
from pytest_interp.errors import NotAModelError
from pytest_interp.models import load_weights
from tests.models.conftest import save_tiny


def change(folder, edit):
    """Edit the tensors of a folder."""
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def configure(folder, **values):
    """Change keys of a folder's config."""
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8")) | values
    file.write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.guarantee(
    "files",
    "Tensors for which the config has no place are an error.",
    sees="`NotAModelError` with their number and the first of them, and where an architecture names"
    " what its checkpoints leave over.",
)
@pytest.mark.parametrize("architecture", ["gpt2", "llama", "qwen3", "gemma3_text"])
def test_a_config_of_one_layer_over_the_weights_of_two_is_refused(tmp_path, architecture):
    folder = save_tiny(tmp_path / "m", architecture)
    key = "n_layer" if architecture == "gpt2" else "num_hidden_layers"
    extra = {"layer_types": ["full_attention"]} if architecture in ("gemma3_text", "qwen3") else {}
    configure(folder, **{key: 1}, **extra)
    with pytest.raises(NotAModelError, match=r"no place, the first is '.*\.1\..*leftovers"):
        load_weights(folder, "cpu")


@pytest.mark.guarantee(
    "files",
    "Tensors for which the config has no place are an error.",
    sees="`NotAModelError` with their number and the first of them, and where an architecture names"
    " what its checkpoints leave over.",
)
def test_a_single_surplus_tensor_is_refused(tiny):
    change(tiny, lambda tensors: tensors.update(surplus=torch.ones(3)))
    with pytest.raises(NotAModelError, match=r"hold 1 tensors .* the first is 'surplus'"):
        load_weights(tiny, "cpu")


def old_gpt2(tensors):
    """As the hub's gpt2 is: without a prefix, with masks and without the head."""
    for name in [*tensors]:
        tensors[name.removeprefix("transformer.")] = tensors.pop(name)
    for layer in range(2):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 8, 8)
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)


def gpt2_with_masks(tensors):
    for layer in range(2):
        tensors[f"transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 8, 8, dtype=torch.uint8)
        tensors[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)


def tied_gpt2(tensors):
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()


def tied(tensors):
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()


def old_rotary(tensors):
    for layer in range(2):
        tensors[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = torch.ones(4)


REAL = [
    ("gpt2", old_gpt2),
    ("gpt2", gpt2_with_masks),
    ("gpt2", tied_gpt2),
    ("llama", old_rotary),
    ("qwen3", old_rotary),
    ("qwen3", tied),
    ("gemma3_text", tied),
    ("gemma3_text", old_rotary),
]


@pytest.mark.guarantee(
    "red",
    "Checkpoints of older versions of transformers are loaded, with what these left over.",
    sees="The same model as without them.",
)
@pytest.mark.parametrize(("architecture", "edit"), REAL, ids=[f"{a}-{e.__name__}" for a, e in REAL])
def test_checkpoints_as_they_are_found_are_loaded(tmp_path, architecture, edit):
    folder = save_tiny(tmp_path / "m", architecture)
    if edit is tied:
        configure(folder, tie_word_embeddings=True)
        change(folder, lambda tensors: tensors.pop("lm_head.weight", None))
    before = load_weights(folder, "cpu").fingerprint
    change(folder, edit)
    assert load_weights(folder, "cpu").fingerprint == before


def test_a_layout_names_what_its_checkpoints_leave_over(tmp_path):
    folder = save_tiny(tmp_path / "m", "llama")
    change(folder, lambda tensors: tensors.update({"model.layers.0.cache": torch.ones(3)}))
    with pytest.raises(NotAModelError, match="leftovers"):
        load_weights(folder, "cpu")
    layout = replace(ARCHITECTURES.find("llama"), leftovers=("model.layers.*.cache",))
    register_layout(replace(layout, model_types=("llama",)), replace=True)
    load_weights(folder, "cpu")


def test_tensors_of_another_shape_are_named_with_both_shapes(tiny):
    change(tiny, lambda tensors: tensors.update({"transformer.ln_f.bias": torch.ones(17)}))
    with pytest.raises(NotAModelError, match=re.escape("'transformer.ln_f.bias': [17], expected")):
        load_weights(tiny, "cpu")


@pytest.mark.guarantee(
    "files",
    "A config of a model larger than its weights is refused before memory is taken for it.",
    sees="`NotAModelError` with how many numbers the weights hold.",
)
@pytest.mark.parametrize(
    "values",
    [
        {"n_layer": 10**9},
        {"vocab_size": 10**10},
        {"n_embd": 10**6},
        {"n_positions": 10**12},
        {"n_inner": 10**9},
    ],
    ids=str,
)
def test_a_config_of_a_model_larger_than_its_weights_takes_no_memory(tiny, values):
    configure(tiny, **values)
    with pytest.raises(NotAModelError, match="which is too few"):
        load_weights(tiny, "cpu")


@pytest.mark.guarantee(
    "files",
    "Every file of a model's folder may be broken in any way: the error is one of this package.",
    sees="`NotAModelError` or `DamagedWeightsError` with the file and what was expected.",
)
@pytest.mark.parametrize("value", ["3", 0, -1, 1.5, None, [], {}, True, "x", 10**30])
@pytest.mark.parametrize("key", ["n_layer", "n_head", "n_embd", "vocab_size"])
def test_a_size_that_is_none_is_named(tiny, key, value):
    configure(tiny, **{key: value})
    with pytest.raises(NotAModelError) as raised:
        load_weights(tiny, "cpu")
    assert str(tiny) in str(raised.value)


def test_a_window_that_slides_has_a_size(tmp_path):
    folder = save_tiny(tmp_path / "m", "gemma3_text")
    load_weights(folder, "cpu")
    configure(folder, sliding_window=None)
    with pytest.raises(NotAModelError, match="has None as sliding_window: expected a number"):
        load_weights(folder, "cpu")
