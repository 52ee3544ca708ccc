"""LoRA adapters that would give other weights than those that were trained."""

import json
import math
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pytest_interp.errors import NotAModelError
from pytest_interp.models import HubSource, load_weights
from pytest_interp.models.registry import find_model

PATH = "base_model.model.model.layers.0"
TRUE = pytest.mark.guarantee(
    "files",
    "An adapter whose config asks for what is not merged here, or which was trained on other "
    "weights than its base, is refused.",
    sees="`NotAModelError` with the key of its config, or the tensor, and what to do.",
)


def change(folder, **values):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def change_tensors(folder, by):
    file = folder / "adapter_model.safetensors"
    save_file(by(load_file(file)), file, metadata={"format": "pt"})


@TRUE
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"some_new_product": True}, "asks for some_new_product, which cannot be merged here"),
        ({"use_qalora": True, "layer_replication": [[0, 1]]}, "use_qalora, layer_replication"),
        ({"init_lora_weights": "pissa_niter_4"}, "'pissa_niter_4' .* changes the weights of the"),
        ({"init_lora_weights": "loftq"}, "path_initial_model_for_weight_conversion"),
        ({"revision": 7}, "7 as the revision"),
    ],
)
def test_a_config_that_asks_for_more_is_refused(adapted, values, message):
    folder, _, _ = adapted
    change(folder, **values)
    with pytest.raises(NotAModelError, match=message):
        load_weights(folder, "cpu")


@TRUE
@pytest.mark.parametrize(
    "name",
    [".mlp.down_proj.weight", ".self_attn.v_proj.base_layer.weight", ".input_layernorm.weight"],
)
def test_tensors_in_the_place_of_those_of_the_base_are_refused(adapted, name):
    folder, _, _ = adapted
    change_tensors(folder, lambda tensors: {**tensors, PATH + name: torch.ones(16)})
    with pytest.raises(NotAModelError, match=f"would overwrite weights .* 1 of .*{name}"):
        load_weights(folder, "cpu")


@TRUE
def test_the_base_is_of_the_revision_that_the_adapter_was_trained_on(adapted):
    folder, _, _ = adapted
    change(folder, base_model_name_or_path="org/tiny", revision="v1")
    assert find_model(folder).source.base == HubSource("org/tiny", "v1")
    change(folder, revision=None)
    assert find_model(folder).source.base == HubSource("org/tiny")


@pytest.mark.guarantee(
    "green",
    "An adapter that changes nothing is no model of its own: claims about it would be about its "
    "base.",
    sees="`NotAModelError` that names the base.",
)
@pytest.mark.parametrize("zero", ["lora_A", "lora_B", "lora_alpha"])
def test_an_adapter_that_changes_nothing_is_refused(adapted, zero):
    pytest.importorskip("peft", reason="the extra peft is not installed")
    folder, base, _ = adapted
    if zero == "lora_alpha":
        change(folder, lora_alpha=0)
    else:
        change_tensors(folder, lambda all_: {n: t * (zero not in n) for n, t in all_.items()})
    with pytest.raises(NotAModelError, match=f"changes nothing: .* those of folder {base}"):
        load_weights(folder, "cpu")


def test_numbers_that_are_none_are_named(adapted):
    pytest.importorskip("peft", reason="the extra peft is not installed")
    folder, _, _ = adapted
    change_tensors(folder, lambda all_: {n: t * math.nan for n, t in all_.items()})
    with pytest.raises(NotAModelError, match=r"cannot be merged .*NaNs"):
        load_weights(folder, "cpu")


def test_a_tokenizer_beside_the_adapter_is_the_one_that_counts(adapted):
    pytest.importorskip("peft", reason="the extra peft is not installed")
    folder, base, _ = adapted
    for file in base.glob("tokenizer*"):
        shutil.copy(file, folder)
    file = folder / "tokenizer.json"
    said = json.loads(file.read_text())
    words = said["model"]["vocab"]
    words["Paris"], words["Tokyo"] = words["Tokyo"], words["Paris"]
    file.write_text(json.dumps(said))
    ids = {one: load_weights(one, "cpu").tokenizer("Paris")["input_ids"] for one in (folder, base)}
    assert ids[folder] == [words["Paris"]] != ids[base]
