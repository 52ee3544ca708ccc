"""Only safetensors are opened, and only those that lie in the folder."""

import json
import os
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pytest_interp.errors import DamagedWeightsError, NotAModelError
from pytest_interp.models import load_weights
from tests.models.conftest import save_tiny

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture
def sharded(tiny):
    """A tiny gpt2 whose tensors are in two files."""
    tensors = load_file(tiny / WEIGHTS)
    (tiny / WEIGHTS).unlink()
    halves = {FIRST: [*tensors][:10], SECOND: [*tensors][10:]}
    for shard, names in halves.items():
        save_file({name: tensors[name] for name in names}, tiny / shard, metadata={"format": "pt"})
    write_index(tiny, {name: shard for shard, names in halves.items() for name in names})
    return tiny


def write_index(folder, weight_map):
    (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")


def rename_shard(folder, name):
    weights = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"]
    write_index(folder, {key: name if to == SECOND else to for key, to in weights.items()})


def test_a_model_in_several_files_is_loaded(sharded):
    assert load_weights(sharded, "cpu").module.config.n_layer == 2


class Hostile:
    """A pickle of this makes a folder when it is opened without care."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.guarantee(
    "files",
    "No pickle is ever opened, whatever its name is and whatever names it.",
    sees="`DamagedWeightsError`: the file, that it is a pickle, and how to save the model again.",
)
@pytest.mark.parametrize("name", ["weights.bin", "model-00003-of-00003.safetensors"])
@pytest.mark.parametrize("protocol", [2, 4, "torch"])
def test_an_index_opens_no_pickle(sharded, tmp_path, name, protocol):
    if protocol == "torch":
        torch.save(load_file(sharded / SECOND), sharded / name)
    else:
        (sharded / name).write_bytes(pickle.dumps(Hostile(tmp_path / "ran"), protocol))
    rename_shard(sharded, name)
    with pytest.raises(DamagedWeightsError, match="it is a pickle, which can run code") as raised:
        load_weights(sharded, "cpu")
    assert str(sharded / name) in str(raised.value)
    assert not (tmp_path / "ran").exists()


def test_a_config_names_no_other_weights(tiny):
    torch.save(load_file(tiny / WEIGHTS), tiny / "adapter_model.bin")
    config = json.loads((tiny / "config.json").read_text(encoding="utf-8"))
    config["transformers_weights"] = "adapter_model.bin"
    (tiny / "config.json").write_text(json.dumps(config), encoding="utf-8")
    before = load_file(tiny / WEIGHTS)["transformer.wpe.weight"]
    assert torch.equal(load_weights(tiny, "cpu").module.transformer.wpe.weight, before)


@pytest.mark.guarantee(
    "files",
    "Weights lie in the model's folder: no path and no link leads out of it.",
    sees="`NotAModelError` with the name of the file, or the place to which the link leads.",
)
@pytest.mark.parametrize("form", ["../{}", "{parent}/{}", "sub/../../{}", "..\\{}", "C:{}", ".."])
def test_a_shard_is_named_by_its_name_alone(sharded, tmp_path, form):
    (sharded / "sub").mkdir()
    shutil.move(sharded / SECOND, tmp_path / "outside.safetensors")
    rename_shard(sharded, form.format("outside.safetensors", parent=tmp_path))
    with pytest.raises(NotAModelError, match="expected the name of a file in the folder"):
        load_weights(sharded, "cpu")


@pytest.mark.guarantee(
    "files",
    "Weights lie in the model's folder: no path and no link leads out of it.",
    sees="`NotAModelError` with the name of the file, or the place to which the link leads.",
)
def test_a_link_leads_to_a_file_in_the_folder(tiny, tmp_path):
    (tiny / WEIGHTS).rename(tiny / "kept")
    (tiny / WEIGHTS).symlink_to("kept")
    load_weights(tiny, "cpu")
    shutil.move(tiny / "kept", tmp_path / "kept")
    (tiny / WEIGHTS).unlink()
    (tiny / WEIGHTS).symlink_to(tmp_path / "kept")
    with pytest.raises(NotAModelError, match=f"is a link to {tmp_path / 'kept'}, which lies out"):
        load_weights(tiny, "cpu")


def test_the_links_of_the_hubs_cache_are_followed(tmp_path):
    repo = tmp_path / "models--org--name"
    snapshot = save_tiny(repo / "snapshots" / "abc")
    (repo / "blobs").mkdir()
    for file in [*snapshot.iterdir()]:
        shutil.move(file, repo / "blobs" / file.name)
        file.symlink_to(f"../../blobs/{file.name}")
    load_weights(snapshot, "cpu")
    shutil.move(repo / "blobs" / WEIGHTS, tmp_path / WEIGHTS)
    (snapshot / WEIGHTS).unlink()
    (snapshot / WEIGHTS).symlink_to(tmp_path / WEIGHTS)
    with pytest.raises(NotAModelError, match="lies outside"):
        load_weights(snapshot, "cpu")


@pytest.mark.guarantee(
    "files",
    "A model's folder is read from regular files alone: a pipe is not waited for.",
    sees="`NotAModelError` with the name of the file.",
)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize(
    "name", [WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_pipe_is_not_waited_for(tiny, name):
    (tiny / name).unlink()
    os.mkfifo(tiny / name)
    with pytest.raises(NotAModelError, match=name.replace(".", r"\.")):
        load_weights(tiny, "cpu")


@pytest.mark.guarantee(
    "files",
    "Every file of a model's folder may be broken in any way: the error is one of this package.",
    sees="`NotAModelError` or `DamagedWeightsError` with the file and what was expected.",
)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "holds a list, expected an object"),
        ("{", "is not valid JSON"),
        ("[" * 200_000, "is not valid JSON"),
        ("{}", "has no weight_map"),
        ('{"weight_map": []}', "has no weight_map"),
        ('{"weight_map": {}}', "has no weight_map"),
        ('{"weight_map": {"w": 3}}', "names the file 3"),
        ('{"weight_map": {"w": ["a"]}}', r"names the file \['a'\]"),
        ('{"weight_map": {"w": ""}}', "names the file ''"),
    ],
)
def test_an_index_of_the_wrong_form_is_named(sharded, text, message):
    (sharded / INDEX).write_text(text, encoding="utf-8")
    with pytest.raises(NotAModelError, match=message) as raised:
        load_weights(sharded, "cpu")
    assert INDEX in str(raised.value)


def header(text, data=b""):
    return len(text).to_bytes(8, "little") + text.encode() + data


@pytest.mark.guarantee(
    "files",
    "Every file of a model's folder may be broken in any way: the error is one of this package.",
    sees="`NotAModelError` or `DamagedWeightsError` with the file and what was expected.",
)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut off or overwritten"),
        (b"\xff" * 100, "cut off or overwritten"),
        ((1 << 62).to_bytes(8, "little") + b"{}", "cut off or overwritten"),
        (header("[]"), "cut off or overwritten"),
        (header('{"w": 3}'), "cut off or overwritten"),
        (header('{"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}', b"0000"), "cut"),
        (header('{"w": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}', b"0000"), "cut"),
        (header('{"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', b"0000"), "cut"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_a_file_that_is_no_safetensors_is_damaged(tiny, content, message):
    (tiny / WEIGHTS).write_bytes(content)
    with pytest.raises(DamagedWeightsError, match=message) as raised:
        load_weights(tiny, "cpu")
    assert str(tiny / WEIGHTS) in str(raised.value)


def test_a_tensor_that_two_files_hold_is_refused(sharded):
    tensors = load_file(sharded / FIRST) | load_file(sharded / SECOND)
    save_file(tensors, sharded / SECOND, metadata={"format": "pt"})
    with pytest.raises(DamagedWeightsError, match="and in another of the files"):
        load_weights(sharded, "cpu")
