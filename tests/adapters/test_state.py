"""What an adapter computes with: seen as it is now, whoever changed it and how."""

from __future__ import annotations

import gc
import hashlib
import weakref
from dataclasses import replace
from unittest.mock import MagicMock

import pytest
import torch
from tiny import tiny_module, tiny_tokenizer

from pytest_interp import FactPrompt, causal_trace, logit_lens
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.adapters.sites import MLP_OUT, RESID_POST, Site
from pytest_interp.adapters.state import serial, summed
from pytest_interp.errors import DamagedWeightsError
from pytest_interp.options import Gaussian
from pytest_interp.plugin.asked import RunOptions
from pytest_interp.plugin.session import Models

BOTH = pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
TOKENS = [[5, 17, 42, 3]]
FACT = FactPrompt(
    clean_prompt="w1 w2 w3 w4",
    corrupt_prompt="w1 w5 w3 w4",
    answer="w7",
    counterfactual_answer="w8",
    subject="w2",
)


@pytest.fixture
def weights() -> Weights:
    return Weights("own", tiny_module("llama"), tiny_tokenizer(), "random")


def mlp(weights: Weights):
    return weights.module.model.layers[1].mlp


def test_the_fingerprint_is_over_names_shapes_dtypes_and_bytes(weights):
    """Saved baselines name it: it stays as it was when they were saved."""
    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(weights.module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.numpy().tobytes())
    assert weights.fingerprint == weights.fingerprint == digest.hexdigest()


@BOTH
def test_runs_and_copies_are_no_changes(weights, backend):
    weights = replace(weights, loaded=weights.state())
    adapter = open_adapter(weights, backend)
    before = adapter.state()
    prefix = adapter.prefix(torch.tensor(TOKENS))
    adapter.run(TOKENS, [Site(RESID_POST, 1)], {Site(MLP_OUT, 1): lambda x: 2 * x}, prefix=prefix)
    adapter.run(TOKENS, [Site(RESID_POST, 1)], grad=True)
    causal_trace(adapter, FACT, corruption=Gaussian(), direction="noise")
    logit_lens(adapter, "w1 w2", "w3")
    with pytest.raises(ZeroDivisionError):
        adapter.run(TOKENS, edits={Site(MLP_OUT, 1): lambda x: 1 / 0})
    mlp(adapter.copy().weights).down_proj.weight.zero_()
    assert adapter.changes(before) == weights.changes() == []


@BOTH
@pytest.mark.guarantee(
    "green",
    "A copied model has tensors of its own: it can be changed and traced beside the shared one.",
    sees="model.copy() and adapter.copy(): other numbers, a fingerprint of their own",
)
def test_a_copy_is_traced_as_it_is(weights, backend):
    weights = replace(weights, loaded=weights.state())
    changed = weights.copy()
    mlp(changed).down_proj.weight.zero_()
    opened = open_adapter(weights, backend).copy()
    mlp(opened.weights).down_proj.weight.data.zero_()
    kept, *others = (
        logit_lens(adapter, "w1 w2", "w3")
        for adapter in (open_adapter(weights, backend), open_adapter(changed, backend), opened)
    )
    assert others[0].final_prob == others[1].final_prob != kept.final_prob
    prints = [one.provenance.fingerprint for one in others]
    assert prints[0] == prints[1] != kept.provenance.fingerprint == weights.fingerprint
    assert weights.changes() == []


@BOTH
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda w: mlp(w).register_forward_hook(lambda *_: None), "hooks at model.layers.1.mlp"),
        (lambda w: setattr(w.module.model.layers[1], "mlp", torch.nn.Identity()), "tensor model"),
        (
            lambda w: setattr(w.module.lm_head, "weight", torch.nn.Parameter(torch.zeros(61, 32))),
            "tensor lm_head.weight",
        ),
        (lambda w: setattr(w.module.config, "rms_norm_eps", 1.0), "the config"),
    ],
    ids=["hook", "submodule", "parameter", "config"],
)
@pytest.mark.guarantee(
    "green",
    "An adapter refuses a change of the model that its own modules would not see.",
    sees="DamagedWeightsError: what was changed after it was opened, and model.copy()",
)
def test_a_change_that_the_backend_would_not_see_is_refused(weights, backend, change, named):
    adapter = open_adapter(weights, backend)
    change(weights)
    with pytest.raises(DamagedWeightsError, match=rf"{named}.*model\.copy\(\)"):
        logit_lens(adapter, "w1 w2", "w3")


@BOTH
@pytest.mark.guarantee(
    "green",
    "A kept result answers only for the very adapter and code that gave it.",
    sees="another adapter, a patched method or hook: the experiment runs again",
)
def test_a_kept_result_is_of_this_adapter(weights, backend, monkeypatch):
    models = Models(RunOptions())
    adapter = open_adapter(weights, backend)

    def probability(one=adapter):
        return models.once(logit_lens, one, "w1 w2", "w3").final_prob

    class Ablating(type(adapter)):
        layer = 1

        def run(self, tokens, capture=(), edits=None, **how):
            off = {Site(MLP_OUT, self.layer): torch.zeros_like}
            return super().run(tokens, capture, {**(edits or {}), **off}, **how)

    plain, ablating = probability(), Ablating(weights)
    first = probability(ablating)
    ablating.layer = 2
    seen = {plain, first, probability(ablating)}
    assert len(seen) == 3
    with monkeypatch.context() as patched:
        patched.setattr(type(adapter), "run", Ablating.run)
        patched.setattr(type(adapter), "layer", 1, raising=False)
        patched.setattr(adapter, "layer", 3, raising=False)
        # super() of the patched method is not for this class: it runs, and does not answer
        with pytest.raises(TypeError):
            probability()
    with monkeypatch.context() as patched:
        forward = adapter._forward
        patched.setattr(adapter, "_forward", lambda *given: 2 * forward(*given))
        assert probability() not in seen
    with monkeypatch.context() as patched:
        patched.setattr(adapter, "_forward", MagicMock(side_effect=forward))
        assert probability() == probability() == plain
        assert adapter._forward.call_count == 2, "what cannot be seen is not kept"
    again = models.once(logit_lens, adapter, "w1 w2", "w3")
    assert again is models.once(logit_lens, adapter, "w1 w2", "w3")


def test_a_method_set_on_the_object_that_has_it_is_no_change(weights):
    adapter, other = open_adapter(weights, "nnsight"), open_adapter(weights, "nnsight")
    before = adapter.state()
    adapter.run = adapter.run  # as the monkeypatch of pytest 9.0 undoes a change
    assert not adapter.changes(before)
    adapter.run = other.run
    assert adapter.changes(before) == [f"attribute run of {type(adapter).__name__}"]
    adapter.run = adapter.embed
    assert adapter.changes(before) == [f"attribute run of {type(adapter).__name__}"]


def test_the_unit_of_noise_is_that_of_the_embedding_as_it_is(weights):
    adapter = open_adapter(weights, "nnsight")
    before = adapter.embedding_std
    weights.module.model.embed_tokens.weight.data *= 2
    assert adapter.embedding_std == pytest.approx(2 * before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int8])
def test_the_digest_of_other_devices_sees_every_change(dtype):
    """Computed with tensor operations, which run on any device."""
    tensor = torch.randn(5000, generator=torch.Generator().manual_seed(1)).mul(50).to(dtype)
    changed = [tensor, -tensor, tensor.flip(0), tensor.roll(1), torch.zeros_like(tensor)]
    changed += [tensor.clone().index_fill_(0, torch.tensor([i]), 99) for i in (0, 2500, 4999)]
    found = [summed(one.view(torch.uint8)) for one in changed]
    assert len(set(found)) == len(changed)
    assert summed(tensor.clone().view(torch.uint8)) == found[0]
    swapped = tensor.clone()
    swapped[[0, 1]] = swapped[[1, 0]]
    assert summed(swapped.view(torch.uint8)) not in found


def test_a_number_of_an_object_is_never_used_again():
    def make():
        return lambda: None

    seen = set()
    for _ in range(100):  # the next object often lies where the last one lay
        thing = make()
        seen.add(serial(thing))
        assert serial(thing) in seen
        gone = weakref.ref(thing)
        del thing
        gc.collect(0)
        assert gone() is None, "nothing is kept alive"
    assert len(seen) == 100
