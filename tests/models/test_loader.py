import gc
import weakref

import psutil
import pytest
import torch
from transformers import AutoModelForCausalLM

from pytest_interp.errors import DeviceError, UnknownNameError
from pytest_interp.models import load_model, load_weights, loader, registry
from tests.models.conftest import save_tiny

SHARED_SLACK = 64 << 20
"""Loading a second backend may take this much memory; a second copy of SmolLM2 takes 513 MiB."""


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "qwen3", "gemma3_text"])
def test_a_loaded_model_is_the_saved_one_and_ready_for_experiments(tmp_path, architecture):
    folder = save_tiny(tmp_path / "m", architecture)
    weights = load_weights(folder, "cpu", "float32")
    saved = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for name, tensor in saved.state_dict().items():
        assert torch.equal(weights.module.state_dict()[name], tensor)
    assert not weights.module.training
    assert not any(tensor.requires_grad for tensor in weights.module.parameters())
    assert weights.module.config._attn_implementation == "eager"
    assert weights.tokenizer("the capital of Japan is")["input_ids"] == [1, 2, 3, 5, 6]
    assert weights.name == str(folder)


def test_the_dtype_is_honoured(tiny):
    assert load_weights(tiny, "cpu").dtype is torch.float32
    assert load_weights(tiny, "cpu", "bfloat16").dtype is torch.bfloat16


def test_weights_in_use_are_shared_and_let_go_afterwards(tiny):
    first = load_weights(tiny, "cpu")
    assert load_weights(tiny, torch.device("cpu"), torch.float32) is first
    assert load_weights(tiny, "cpu", "float64") is not first
    gone = weakref.ref(first.module)
    del first
    gc.collect()
    assert gone() is None


@pytest.mark.guarantee(
    "green",
    "Weights that somebody changed are not handed out as those of their name.",
    sees="load_model and load_weights load the model anew; who holds the changed one keeps it",
)
def test_weights_that_were_changed_are_loaded_anew(tiny):
    first = load_weights(tiny, "cpu")
    fingerprint = first.fingerprint
    next(first.module.parameters()).data.zero_()
    second = load_weights(tiny, "cpu")
    assert second is not first
    assert second.fingerprint == fingerprint != first.fingerprint
    assert load_weights(tiny, "cpu") is second
    second.module.register_forward_hook(lambda *_: None)
    assert load_weights(tiny, "cpu") is not second


def test_a_folder_that_was_written_anew_is_loaded_anew(tiny):
    before = load_weights(tiny, "cpu")
    # tensors lie in the pages of their file: one that is written over in place changes them
    fingerprint = before.fingerprint
    save_tiny(tiny, seed=1)
    after = load_weights(tiny, "cpu")
    assert after is not before
    assert after.fingerprint != fingerprint


def test_both_backends_stand_on_one_set_of_weights(smollm2):
    process = psutil.Process()
    tokens = torch.tensor([[1, 2, 3]])
    # a pass reads every weight: tensors that are mapped from a file take no memory before
    first = load_model(smollm2, "transformer_lens", device="cpu")
    first.run(tokens)
    before = process.memory_info().rss
    second = load_model(smollm2, "nnsight", device="cpu")
    second.run(tokens)
    grown = process.memory_info().rss - before
    assert second.weights is first.weights
    assert grown < SHARED_SLACK


def test_a_second_copy_would_have_been_noticed(smollm2):
    process = psutil.Process()
    tokens = torch.tensor([[1, 2, 3]])
    first = load_model(smollm2, "nnsight", device="cpu")
    first.run(tokens)
    before = process.memory_info().rss
    loader._shared.clear()
    second = load_model(smollm2, "nnsight", device="cpu")
    second.run(tokens)
    assert process.memory_info().rss - before > SHARED_SLACK


@pytest.mark.parametrize("name", ["planted-gpt2", "planted-qwen3", "planted-llama"])
def test_a_planted_model_is_loaded_by_its_name(name):
    weights = load_weights(name, "cpu", "float64")
    assert weights.dtype is torch.float64
    assert weights.architecture == name.removeprefix("planted-")
    assert weights.source == f"planted {weights.architecture}"


def test_auto_takes_the_models_own_backend_or_the_one_that_is_installed(monkeypatch):
    assert registry.choose_backend("gpt2") == "transformer_lens"
    assert registry.choose_backend("qwen3-0.6b") == "nnsight"
    monkeypatch.setattr(registry, "installed", lambda backend: backend == "nnsight")
    assert registry.choose_backend("gpt2") == "nnsight"
    monkeypatch.setattr(registry, "installed", lambda backend: False)
    assert registry.choose_backend("gpt2") == "transformer_lens"  # opening it says what to install


def test_auto_opens_the_models_own_backend(tiny):
    assert load_model("planted-qwen3", device="cpu").backend == "nnsight"
    assert load_model(tiny, device="cpu").backend == "transformer_lens"


def test_what_is_asked_for_wrongly_is_refused(tiny):
    with pytest.raises(
        UnknownNameError, match=r"unknown backend 'nnsihgt'\. Did you mean 'nnsight'"
    ):
        load_model(tiny, "nnsihgt")
    with pytest.raises(UnknownNameError, match="extra 'tl' brings the backend 'transformer_lens'"):
        load_model(tiny, "tl")
    # a wrong name is an error before missing weights are, for those may take a download
    with pytest.raises(UnknownNameError, match="unknown backend"):
        load_model("nobody/nothing", "lens")
    with pytest.raises(UnknownNameError, match="unknown model ''"):
        load_weights("")
    with pytest.raises(DeviceError, match="unknown device"):
        load_weights(tiny, "gpu")
    with pytest.raises(DeviceError, match="unknown dtype"):
        load_weights(tiny, "cpu", "float8")
