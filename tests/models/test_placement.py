"""Models that are spread over devices and the disk: the same numbers from the same calls."""

import pytest
import torch

from pytest_interp import FactPrompt, causal_trace, direct_logit_attribution, load_model, logit_lens
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.errors import DeviceError
from pytest_interp.models import PlantedSource, load_weights, register_model
from pytest_interp.models.placement import place, spreads
from tests.tiny import tiny_module, tiny_tokenizer, tiny_weights

BLOCKS = {"gpt2": "transformer.h", "llama": "model.layers", "gemma3": "model.layers"}
KEPT = pytest.mark.guarantee(
    "red",
    "A model whose blocks lie on several devices or on the disk gives the numbers, and has the"
    " fingerprint, of one that is in memory.",
    sees="The same results; what needs all weights at hand is refused with what to change.",
)
two_gpus = pytest.mark.skipif(
    torch.cuda.device_count() < 2, reason="spreading a model over GPUs needs two of them"
)
FACT = FactPrompt(
    clean_prompt="w7 w3 w11 w5 w9",
    corrupt_prompt="w7 w3 w12 w5 w9",
    answer=" w20",
    counterfactual_answer=" w30",
    subject="w11",
)


def spread(architecture: str, device_map) -> Weights:
    module = place("tiny", tiny_module(architecture), device_map)
    return Weights("tiny", module, tiny_tokenizer(), "random")


def on_disk(architecture: str):
    return {"": "cpu", **{f"{BLOCKS[architecture]}.{layer}": "disk" for layer in (1, 2)}}


@KEPT
@pytest.mark.parametrize("architecture", BLOCKS)
def test_blocks_on_the_disk_give_the_same_numbers(architecture):
    plain = open_adapter(tiny_weights(architecture), "nnsight")
    moved = open_adapter(spread(architecture, on_disk(architecture)), "nnsight")
    assert sum(tensor.is_meta for tensor in moved.weights.module.parameters()) > 8
    assert moved.weights.fingerprint == plain.weights.fingerprint
    tokens = plain.encode(FACT.clean_prompt)
    for site in ("resid_post", "head", "mlp_out"):
        sites = plain.sites(site)
        edits = {sites[2]: lambda x: torch.cat([x, 2 * x]) if len(x) < 2 else x}
        runs = [one.run(tokens, sites[:2]) for one in (plain, moved)]
        assert all(torch.equal(runs[0][at], runs[1][at]) for at in sites[:2])
        if site == "resid_post":
            grown = [one.run(tokens, edits=edits).logits for one in (plain, moved)]
            assert torch.equal(*grown)
    prefixes = [one.prefix(tokens[:, :2]) for one in (plain, moved)]
    behind = [
        one.run(tokens[:, 2:], prefix=prefix).logits
        for one, prefix in zip((plain, moved), prefixes, strict=True)
    ]
    assert torch.equal(*behind)
    maps = [causal_trace(one, FACT).effect for one in (plain, moved)]
    assert maps[0].tolist() == maps[1].tolist()


@KEPT
def test_what_needs_the_weights_is_refused_and_says_what_to_change():
    weights = spread("llama", on_disk("llama"))
    with pytest.raises(DeviceError, match=r"TransformerLens.*without 'disk'.*under nnsight"):
        open_adapter(weights, "transformer_lens")
    adapter = open_adapter(weights, "nnsight")
    with pytest.raises(DeviceError, match="output matrix of attention"):
        direct_logit_attribution(adapter, FACT)
    with pytest.raises(DeviceError, match="A copy of the model"):
        weights.copy()


@pytest.mark.parametrize(
    ("device_map", "message"),
    [
        ({"": "cpu", "model.layrs.1": "disk"}, "names 'model.layrs.1', and the model has no such"),
        ({"": "cpu", "model.layers.1.mlp": "disk"}, "divides a block, at 'model.layers.1.mlp'"),
        ({"model": "cpu"}, r"says nothing of 'lm_head.weight'"),
        ({"": "cpu", "lm_head": "disk"}, r"puts 'lm_head.weight' where it is fetched"),
        ({"": "disk"}, r"puts 'model.embed_tokens.weight' where"),
        ({"": "cpu", "model.layers.0": 99}, "at 'model.layers.0': this machine has no device"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(device_map, message):
    with pytest.raises(DeviceError, match=message):
        spread("llama", device_map)


@KEPT
def test_the_entry_of_a_model_has_the_map_and_what_is_asked_for_overrides_it():
    device_map = {"": "cpu", "model.layers.3": "disk"}
    register_model("spread", PlantedSource("llama"), "nnsight", device_map=device_map)
    spread_out = load_model("spread")
    assert spread_out.weights.module.model.layers[3].mlp.up_proj.weight.is_meta
    prompt, answer = "visitors say that Acropolis stands in", " Paris"
    expected = logit_lens(load_model("planted-llama", "nnsight", "cpu"), prompt, answer)
    found = logit_lens(spread_out, prompt, answer)
    assert found.answer_prob.tolist() == expected.answer_prob.tolist()
    assert load_weights("spread", device_map) is spread_out.weights
    whole = load_weights("spread", "cpu")
    assert not any(tensor.is_meta for tensor in whole.module.parameters())


def test_auto_on_a_machine_without_several_gpus_is_the_one_device(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert not spreads("auto")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert spreads("auto")
    assert not spreads(None)
    assert not spreads("cuda")


@two_gpus
@pytest.mark.parametrize("backend", ["nnsight", "transformer_lens"])
def test_blocks_on_two_gpus_give_the_numbers_of_one(backend):
    device_map = {"": 0, "model.layers.2": 1, "model.layers.3": 1}
    moved = open_adapter(spread("llama", device_map), backend)
    plain = open_adapter(spread("llama", {"": 0}), backend)
    run = moved.run(moved.encode(FACT.clean_prompt), moved.sites("resid_post"))
    assert {tensor.device for tensor in run.captured.values()} == {torch.device("cuda", 0)}
    maps = [causal_trace(one, FACT).effect for one in (plain, moved)]
    assert maps[0] == pytest.approx(maps[1], abs=1e-4, nan_ok=True)


@two_gpus
def test_auto_spreads_a_model_over_two_gpus():
    weights = load_weights("planted-llama", "auto", "float32")
    assert {tensor.device.index for tensor in weights.module.parameters()} == {0, 1}
