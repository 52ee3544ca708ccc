"""Runs sent over the network, to a server of the test that answers as NDIF does."""

import json
from dataclasses import replace

import nnsight
import numpy as np
import pytest
import torch
from every_experiment import FACT
from hub.repositories import write_cache
from remote.ndif import Ndif

from pytest_interp import FactSet, causal_trace, load_model
from pytest_interp.adapters import open_adapter
from pytest_interp.errors import RemoteError
from pytest_interp.experiments import lens_facts
from pytest_interp.models import HubSource, register_model
from pytest_interp.store.mode import storing
from tests.tiny import tiny_module, tiny_tokenizer, tiny_weights

REPO, COMMIT = "org/far", "c0ffee"
ANSWERS = pytest.mark.guarantee(
    "messages",
    "A run that is sent to a server and gives no result says what failed and what to do.",
    sees="Whether to check the address or the key, to wait, to run again, or to try remote: local.",
)


@pytest.fixture(scope="module")
def served():
    """The model of the server, from the hub as it says."""
    module = tiny_module("llama")
    module.config._name_or_path, module.config._commit_hash = REPO, COMMIT
    return nnsight.TransformersModel(module, tokenizer=tiny_tokenizer(), task="text-generation")


@pytest.fixture
def server(served, monkeypatch):
    # the hub would be asked how the name is spelled
    monkeypatch.setitem(nnsight.modeling.huggingface._ID_CACHE, REPO, REPO)
    monkeypatch.setattr(nnsight.CONFIG.APP, "REMOTE_LOGGING", False)
    made = Ndif(served)
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def far(server, tmp_path, monkeypatch):
    """The model as a client has it, from a cache of the hub without weights."""
    folder = tmp_path / "far"
    tiny_module("llama").config.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    cache = tmp_path / "cache"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    snapshot = write_cache(cache, REPO, folder)
    (snapshot.parents[1] / "refs" / "v2").write_text(snapshot.name)
    register_model("far", HubSource(REPO, "v2"), remote=server.address, replace=True)
    return load_model("far")


@pytest.mark.guarantee(
    "red",
    "A model whose runs are sent to a server needs no weights here: config and tokenizer do.",
    sees="The numbers; model and revision as the server tells them, with its versions.",
)
def test_a_map_comes_over_the_network_with_no_weights_here(far, server):
    found = causal_trace(far, FACT, controls=False)
    here = causal_trace(open_adapter(tiny_weights("llama"), "nnsight"), FACT, controls=False)
    # the server has a module of its own, which sums in another order
    np.testing.assert_allclose(found.patched_metric, here.patched_metric, atol=1e-5)
    assert all(parameter.is_meta for parameter in far.weights.module.parameters())
    made = found.provenance
    assert (made.fingerprint, made.dtype) == (f"{REPO}@{COMMIT}", "float32")
    # what is here was not changed; weights of another server are not asked for
    assert far.changes(far.state()) == []
    assert not any(name.endswith("at the server") for name in far.state())
    assert made.source == f"hub {REPO}@v2, run at {server.address}"
    assert made.versions["torch at the server"] == torch.__version__
    keys = {one["model_key"].partition(":")[2] for one in server.asked}
    asked = {"repo_id": REPO, "revision": "v2", "task": "text-generation"}
    assert [json.loads(key) for key in keys] == [asked]


@pytest.mark.parametrize(("variable", "mode"), [("off", "on"), ("results", "off")])
def test_with_results_off_no_part_is_kept(variable, mode, far, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", variable)
    longer = replace(FACT, clean_prompt="w3 w10 w7 w9 w4", corrupt_prompt="w3 w30 w7 w9 w4")
    before = set(tmp_path.iterdir())
    server.fails, server.left = "lost", 1
    with storing(mode), pytest.raises(RemoteError):
        lens_facts(far, FactSet.of([FACT, longer]))
    assert set(tmp_path.iterdir()) == before


@pytest.mark.guarantee(
    "kept",
    "Where runs are sent to a server, parts of a set that were finished before the connection was"
    " lost are not run again.",
    sees="The error; the next run sends what was left, and the whole is the same.",
)
def test_what_was_finished_before_the_connection_was_lost_is_not_sent_again(
    far, server, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(tmp_path / "results"))
    longer = replace(FACT, clean_prompt="w3 w10 w7 w9 w4", corrupt_prompt="w3 w30 w7 w9 w4")
    facts = FactSet.of([FACT, longer])  # prompts of two lengths: two parts
    server.fails, server.left = "lost", 1
    lost = pytest.raises(RemoteError, match="parts of a set of facts that are finished are kept")
    with storing("on"), lost:
        lens_facts(far, facts)
    server.fails, before = None, len(server.asked)
    with storing("on"):
        found = lens_facts(far, facts)
    assert len(server.asked) - before == 1, "one of two parts was there"
    assert not list((tmp_path / "results").glob("*.result")), "parts go when the whole is there"
    alone = lens_facts(open_adapter(tiny_weights("llama"), "nnsight"), facts)
    np.testing.assert_allclose(found.answer_margin(), alone.answer_margin(), atol=1e-5)


@ANSWERS
@pytest.mark.parametrize(
    ("fails", "says"),
    [
        (503, "no capacity.* takes no runs at present.*Wait.* Run again"),
        (401, "refused the API key.* NDIF_API_KEY"),
        (404, "does not have this model.*nnsight.status"),
        ("job", "CUDA out of memory.* failed there.* remote: local"),
        ("lost", "connection was lost.* Run again"),
    ],
)
def test_what_failed_is_said_with_what_to_do(fails, says, far, server):
    server.fails = fails
    sent = f"sent to {server.address} gave no result: "
    with pytest.raises(RemoteError, match=rf"(?s){sent}.*{says}"):
        far.run("w3 w10")


@ANSWERS
def test_a_wrong_key_is_said_before_a_run_is_sent(far, server):
    server.key = "right"
    with pytest.raises(RemoteError, match=r"(?s)refused the API key.*NDIF_API_KEY"):
        far.run("w3 w10")
    assert len(server.asked) == 1, "what the server told when the model was opened"


@ANSWERS
def test_a_server_that_is_not_there_is_said(far, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(RemoteError, match=r"(?s)Nobody answers\. Check the address \(http.*again"):
        far.run("w3 w10")
    with pytest.raises(RemoteError, match="Nobody answers"):
        load_model("far")


def test_a_server_is_asked_for_models_of_the_hub_alone(server):
    with pytest.raises(RemoteError, match=r"models of the Hugging Face hub.*from planted llama\."):
        load_model("planted-llama", remote=server.address)
