"""A model of which only the modules are here: what is fetched, and what is refused."""

import huggingface_hub
import pytest
import torch
from every_experiment import FACT
from hub.repositories import gpt2, write_folder
from hub.server import serving
from torch.testing import assert_close

from pytest_interp import direct_logit_attribution, load_model
from pytest_interp.adapters import open_adapter
from pytest_interp.errors import DeviceError, RemoteError
from pytest_interp.experiments.control_runs import shuffled_adapter
from pytest_interp.models import FolderSource
from pytest_interp.models.loader import load_skeleton
from pytest_interp.plugin.asked import RunOptions, Target
from pytest_interp.plugin.session import Models
from tests.tiny import tiny_module, tiny_tokenizer, tiny_weights

REFUSED = pytest.mark.guarantee(
    "messages",
    "What needs weights here is refused where a model's runs are sent to a server.",
    sees="What needs them, and that they are not here: run without remote.",
)


@pytest.fixture
def folder(tmp_path):
    tiny_module("llama").save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.guarantee(
    "red",
    "A model whose runs are sent to a server needs no weights here: config and tokenizer do.",
    sees="The numbers; model and revision as the server tells them, with its versions.",
)
def test_the_modules_come_from_the_config_alone(folder):
    (folder / "model.safetensors").unlink()
    bare, whole = load_skeleton(folder), tiny_weights("llama")
    assert all(tensor.is_meta for tensor in bare.module.state_dict().values())
    shapes = {name: tensor.shape for name, tensor in whole.module.state_dict().items()}
    assert {name: tensor.shape for name, tensor in bare.module.state_dict().items()} == shapes
    assert not bare.changes()
    assert bare.dtype == whole.dtype


def test_a_run_for_local_loads_the_weights_where_it_is_served(folder, monkeypatch):
    loaded = []
    load = FolderSource.load
    monkeypatch.setattr(FolderSource, "load", lambda *a: loaded.append(a) or load(*a))
    model = load_model(folder, remote="local", device="cpu", dtype="float64")
    assert len(loaded) == 1
    assert {parameter.device.type for parameter in model.weights.module.parameters()} == {"meta"}
    assert (model.dtype, model.device.type) == (torch.float64, "cpu")
    here = load_model(folder, "nnsight", device="cpu", dtype="float64")
    assert model.weights.fingerprint == here.weights.fingerprint
    assert torch.equal(model.run("w3 w10").logits, here.run("w3 w10").logits)


# positions; scaled embeddings; later layers that are run at the last position alone
@pytest.mark.parametrize("architecture", ["gpt2", "gemma3", "gemma4"])
def test_what_is_computed_at_the_server_is_that_of_the_model(architecture):
    here, far = (open_adapter(tiny_weights(architecture), "nnsight", at) for at in (None, "local"))
    tokens, later = torch.tensor([[5, 17, 42], [7, 8, 9]]), torch.tensor([[1], [2]])
    assert far.embedding_std == here.embedding_std
    assert torch.equal(far.embed(tokens), here.embed(tokens))
    noise = torch.full((2, 3, here.d_model), 0.1)
    made = [one.prefix(later, one.prefix(tokens, noise=noise)) for one in (far, here)]
    for found, expected in zip(made[0].layers, made[1].layers, strict=True):
        assert torch.equal(found.keys, expected.keys)
        assert torch.equal(found.values, expected.values)
    runs = [one.run(later, prefix=prefix) for one, prefix in zip((far, here), made, strict=True)]
    assert torch.equal(runs[0].logits, runs[1].logits)
    for path in (here.layout.final_norm, here.weights.unembedding):
        found, expected = (one.weights.part(path).state_dict() for one in (far, here))
        assert_close(dict(found), dict(expected), rtol=0, atol=0)


def test_scales_of_blocks_are_fetched_where_an_architecture_has_them():
    weights = tiny_weights("gemma4")
    here, far = (open_adapter(weights, "nnsight", at) for at in (None, "local"))
    found, expected = (direct_logit_attribution(one, FACT) for one in (far, here))
    assert found.contributions.tolist() == expected.contributions.tolist()


def test_parts_are_fetched_once_and_anew_where_the_weights_changed(folder):
    model = load_model(folder, remote="local", device="cpu")
    before, state = model.weights.part("model.norm"), model.state()
    assert model.weights.part("model.norm").weight.data_ptr() == before.weight.data_ptr()
    with torch.no_grad():
        model.weights.server.served.module.model.norm.weight.mul_(2)
    assert torch.equal(model.weights.part("model.norm").weight, 2 * before.weight)
    assert model.changes(state) == ["tensor model.norm.weight at the server"]


@REFUSED
def test_what_needs_weights_here_is_refused_with_the_reason(folder):
    model = load_model(folder, remote="local", device="cpu")
    for call in (model.copy, lambda: shuffled_adapter(model)):
        with pytest.raises(RemoteError, match=r"changed needs weights.*Run without remote"):
            call()
    bare = load_skeleton(folder)
    with pytest.raises(RemoteError, match=r"weights of .* are not here: say where its runs are"):
        open_adapter(bare, "nnsight")
    with pytest.raises(RemoteError, match="needs weights"):
        print(bare.fingerprint)
    with pytest.raises(DeviceError, match="no device map can place"):
        load_skeleton(folder, device={"": "cpu"})


def test_a_session_holds_weights_and_skeleton_of_one_model_apart():
    models = Models(RunOptions(device="cpu"))
    far = models.target_weights(Target("planted-llama", "nnsight", remote="local"))
    assert far.is_bare
    assert models.target_weights(Target("planted-llama", "nnsight", remote="local")) is far
    assert not models.target_weights(Target("planted-llama", "nnsight")).is_bare
    assert not models.target_weights(Target("planted-llama", None, remote="local")).is_bare
    adapter = models.target_adapter(far, "nnsight", "local")
    assert models.changes("planted-llama", [adapter, far]) == []


def test_of_a_hub_model_config_and_tokenizer_are_fetched_and_no_weights(tmp_path, monkeypatch):
    written = write_folder(tmp_path / "served", *gpt2(12, 8))
    constants = "huggingface_hub.constants"
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(f"{constants}.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(tmp_path / "cache"))
    huggingface_hub.close_session()  # it was made for other addresses
    with serving("openai-community/gpt2", written) as (address, given):
        monkeypatch.setattr(f"{constants}.ENDPOINT", address)
        template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", template)
        bare = load_skeleton("gpt2")
    huggingface_hub.close_session()
    assert "config.json" in given
    assert not [name for name in given if "safetensors" in name]
    assert len(bare.module.transformer.h) == 12
    # the server is gone: what follows is read from the cache
    assert load_skeleton("gpt2").module.config.n_layer == 12
