"""The real SmolLM2: what comes out of the cache is what the GGUF file holds."""

import hashlib
import time
from importlib import metadata

import numpy as np
import pytest
import torch
from gguf import GGUFReader, GGUFWriter, dequantize
from transformers import AutoTokenizer

from pytest_interp.errors import WeightsUnavailableError
from pytest_interp.models import GgufSource, PackageFile, converted, load_weights
from pytest_interp.models.gguf import convert
from pytest_interp.models.registry import GEMMA3, SMOLLM2
from pytest_interp.progress import listening

TEXTS = [
    "The capital of France is",
    " leading space,  two spaces\n\nand lines\t",
    "Zürich, naïve, 東京, привет 🙂",
    "<|im_start|>user\nHi<|im_end|>",
    "<bos>def f(x): return x**2  # 1234567890",
    "",
]

WARM_SECONDS = 5.0
"""A warm load takes 0.3 s on two quiet cores; a conversion takes at least 10 s."""


def in_the_file():
    (path,) = SMOLLM2.locate()
    return path


def test_the_tensors_are_the_dequantised_ones(smollm2):
    weights = load_weights(smollm2, "cpu", "float32")
    tensors = {tensor.name: tensor for tensor in GGUFReader(in_the_file()).tensors}
    layer = weights.module.model.layers[7]
    for name, ours in {
        "token_embd.weight": weights.module.model.embed_tokens.weight,
        "blk.7.ffn_down.weight": layer.mlp.down_proj.weight,
        "blk.7.attn_v.weight": layer.self_attn.v_proj.weight,
        "blk.7.attn_norm.weight": layer.input_layernorm.weight,
    }.items():
        theirs = dequantize(tensors[name].data, tensors[name].tensor_type)
        assert np.array_equal(ours.numpy(), theirs), name


def test_the_model_knows_the_capital_of_france(smollm2):
    weights = load_weights(smollm2, "cpu", "float32")
    ids = weights.tokenizer("The capital of France is", return_tensors="pt")
    logits = weights.module(**ids).logits[0, -1]
    assert weights.tokenizer.decode(logits.argmax()) == " Paris"


def test_the_tokenizer_gives_the_same_ids_as_the_file_s_own(smollm2):
    file = in_the_file()
    own = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    kept = load_weights(smollm2, "cpu", "float32").tokenizer
    for text in TEXTS:
        assert kept(text) == own(text), text
        assert kept.decode(kept(text)["input_ids"]) == own.decode(own(text)["input_ids"])
    assert kept.special_tokens_map == own.special_tokens_map
    assert kept.chat_template == own.chat_template


def test_a_warm_load_converts_nothing(smollm2):
    reports = []
    load_weights(smollm2, "cpu", "float32")  # makes the entry, the first time on a machine
    with listening(lambda *report: reports.append(report)):
        start = time.perf_counter()
        SMOLLM2.load(torch.float32)
        took = time.perf_counter() - start
    assert reports == []
    assert took < WARM_SECONDS
    assert converted.is_whole(converted.entry_folder(SMOLLM2.sha256), SMOLLM2.sha256)


def test_no_pickle_is_kept(smollm2):
    SMOLLM2.load(torch.float32)
    suffixes = {file.suffix for file in converted.entry_folder(SMOLLM2.sha256).iterdir()}
    assert suffixes <= {".json", ".safetensors", ".jinja"}


def write_tiny(path, **changed):
    """A GGUF file of a llama with one block, in float32.

    ``changed`` are the shapes of tensors, by their names with ``__`` for ``.``; None for none.
    """
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(32)
    writer.add_embedding_length(16)
    writer.add_block_count(1)
    writer.add_feed_forward_length(24)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(8)
    letters = [*"abcdefgh"]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["<s>", *letters, "ab"])
    writer.add_token_types([3, *[1] * 9])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    shapes = {
        "token_embd": (10, 16),
        "output": (10, 16),
        "output_norm": (16,),
        "blk.0.attn_norm": (16,),
        "blk.0.ffn_norm": (16,),
        "blk.0.attn_q": (16, 16),
        "blk.0.attn_k": (8, 16),
        "blk.0.attn_v": (8, 16),
        "blk.0.attn_output": (16, 16),
        "blk.0.ffn_gate": (24, 16),
        "blk.0.ffn_up": (24, 16),
        "blk.0.ffn_down": (16, 24),
    }
    shapes |= {name.replace("__", "."): shape for name, shape in changed.items()}
    shapes = {name: shape for name, shape in shapes.items() if shape is not None}
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    for name, values in tensors.items():
        writer.add_tensor(f"{name}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def test_a_file_in_parts_is_joined_and_reported_and_nothing_is_left(tmp_path, capfd):
    tensors = write_tiny(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    parts = [tmp_path / "a.part00", tmp_path / "a.part01"]
    parts[0].write_bytes(data[:1000])
    parts[1].write_bytes(data[1000:])
    folder = tmp_path / "out"
    folder.mkdir()
    reports = []
    with listening(lambda *report: reports.append(report)):
        convert(parts, hashlib.sha256(data).hexdigest(), folder, "pip install it")
    assert [(done, total) for _, done, total in reports] == [(0, 1), (1, 1)]
    assert "a.part00" in reports[0][0]
    assert capfd.readouterr() == ("", "")
    assert {file.name for file in tmp_path.iterdir()} == {"whole", "a.part00", "a.part01", "out"}
    weights = load_weights(folder, "cpu")
    assert np.array_equal(weights.module.lm_head.weight.numpy(), tensors["output"])
    assert weights.tokenizer("abc")["input_ids"][-2:] == [9, 3]


@pytest.mark.parametrize("source", [SMOLLM2, GEMMA3], ids=["smollm2", "gemma3"])
def test_the_packages_are_pinned(source):
    for part in source.parts:
        name, _, version = part.requirement.partition("==")
        try:
            assert metadata.version(name) == version
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed")


def test_what_was_converted_once_needs_its_package_no_more(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / "cache"))
    write_tiny(tmp_path / "own.gguf")
    digest = hashlib.sha256((tmp_path / "own.gguf").read_bytes()).hexdigest()
    source = GgufSource((PackageFile("no-such-package==1.0", "own.gguf"),), digest)
    assert source.converted_folder() is None
    with monkeypatch.context() as installed:
        installed.setattr(PackageFile, "locate", lambda _: tmp_path / "own.gguf")
        made, _ = source.load(torch.float32)
    try:
        source.check()
        kept, _ = source.load(torch.float32)
    except WeightsUnavailableError as error:  # which would skip this test
        pytest.fail(str(error))
    assert torch.equal(kept.lm_head.weight, made.lm_head.weight)
    assert source.converted_folder().is_relative_to(tmp_path / "cache")
