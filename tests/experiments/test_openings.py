"""Tokens that several prompts begin with are run once, and nothing else changes."""

from dataclasses import replace

import hooks
import numpy as np
import pytest
import torch
from labelled_sets import that_begin_alike, tiny_prompts
from tiny import ARCHITECTURES, tiny_module, tiny_tokenizer
from told_hooks import adding, changed, ids_of, margin

from pytest_interp.adapters import ModelAdapter, Weights, backend_names, open_adapter
from pytest_interp.experiments import openings
from pytest_interp.experiments.features import capture_features
from pytest_interp.experiments.steering import steer
from pytest_interp.experiments.trajectory import trajectories
from pytest_interp.results.direction import Direction

PROMPTS = that_begin_alike(tiny_prompts(12))
DIRECTION = Direction(np.random.default_rng(1).normal(size=32), 1)
ABSTAINING = tiny_tokenizer()("w1 w5")["input_ids"]
# matrices of another shape
NEAR = 1e-3


@pytest.fixture
def begun(monkeypatch):
    """A list that gets the shape of each pass over tokens that others begin with."""
    found, made = [], ModelAdapter.prefix

    def prefix(self, tokens, after=None):
        found.append(tuple(tokens.shape))
        return made(self, tokens, after)

    monkeypatch.setattr(ModelAdapter, "prefix", prefix)
    return found


def fresh(arch="gpt2"):
    """Weights of its own, of which nothing is kept."""
    return Weights(f"tiny-{arch}", tiny_module(arch), tiny_tokenizer(), "planted").copy()


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_what_is_measured_is_that_of_single_passes(arch, backend, begun):
    module, adapter = tiny_module(arch), open_adapter(fresh(arch), backend)
    states = capture_features(adapter, PROMPTS, layers=[2]).states[0]
    earlier = capture_features(adapter, PROMPTS, "mlp_out", -2, layers=[3]).states[0]
    curves = trajectories(adapter, PROMPTS)
    steered = steer(adapter, PROMPTS, DIRECTION, doses=(2.0,), neutral=("w3 w4",))
    assert (2, 16) in begun
    add = [("resid_post", 1, adding(2 * DIRECTION.vector, "last"))]
    for i, tokens in enumerate(ids_of(tiny_tokenizer(), PROMPTS)):
        alone = hooks.read(module, tokens, "resid_post", 2)[0, -1]
        np.testing.assert_allclose(states[i], alone.numpy(), atol=NEAR)
        alone = hooks.read(module, tokens, "mlp_out", 3)[0, -2]
        np.testing.assert_allclose(earlier[i], alone.numpy(), atol=NEAR)
        sure = hooks.logits(module, tokens)[0, -1].double().log_softmax(0).max()
        np.testing.assert_allclose(curves.confidence[i], sure, atol=NEAR)
        odds = margin(changed(module, tokens, add), ABSTAINING)
        np.testing.assert_allclose(steered.log_odds[-1, i], odds, atol=NEAR)


@pytest.mark.guarantee(
    "green",
    "Tokens that several prompts begin with are run once for all experiments on them and both "
    "backends, and again when a weight has changed.",
    sees="The numbers of passes over whole prompts.",
)
def test_openings_are_run_once_until_a_weight_changes(begun):
    weights = fresh()
    for backend in backend_names():
        adapter = open_adapter(weights, backend)
        capture_features(adapter, PROMPTS)
        trajectories(adapter, PROMPTS)
    assert begun == [(2, 16)]
    before = capture_features(adapter, PROMPTS, layers=[0]).states
    with torch.no_grad():
        weights.module.get_input_embeddings().weight.mul_(1.5)
    after = capture_features(adapter, PROMPTS, layers=[0]).states
    assert begun == [(2, 16)] * 2
    assert np.abs(after - before).max() > 0.01
    tokens = ids_of(tiny_tokenizer(), PROMPTS)[0]
    alone = hooks.read(weights.module, tokens, "resid_post", 0)[0, -1]
    np.testing.assert_allclose(after[0, 0], alone.numpy(), atol=NEAR)


def test_what_is_read_or_changed_is_in_no_opening(begun):
    adapter = open_adapter(fresh(), "nnsight")
    first = capture_features(adapter, PROMPTS, position=1, layers=[1]).states[0]
    steer(adapter, PROMPTS, DIRECTION, doses=(1.0,), neutral=("w3",), positions="all")
    assert begun == []
    tokens = ids_of(tiny_tokenizer(), PROMPTS)[0]
    alone = hooks.read(tiny_module("gpt2"), tokens, "resid_post", 1)[0, 1]
    np.testing.assert_allclose(first[0], alone.numpy(), atol=NEAR)


@pytest.mark.parametrize("backend", backend_names())
def test_a_prompt_with_which_others_begin_is_read_at_its_own_last_token(backend):
    # as many tokens as an opening may have, and more
    whole = " ".join(f"w{w}" for w in range(10, 10 + openings.STEP))
    texts = (whole, f"{whole} w7", f"{whole} w8 w9", f"{whole} w40")
    some = PROMPTS.pick([0, 1, 10, 11])
    made = tuple(replace(p, text=text) for p, text in zip(some, texts, strict=True))
    prompts = replace(some, prompts=made)
    module, adapter = tiny_module("gpt2"), open_adapter(fresh(), backend)
    states = capture_features(adapter, prompts, layers=[2]).states[0]
    curves = trajectories(adapter, prompts)
    steered = steer(adapter, prompts, DIRECTION, doses=(2.0,), neutral=("w3 w4",), texts=2)
    add = [("resid_post", 1, adding(2 * DIRECTION.vector, "last"))]
    said = {one.id: one.tokens[-1][0] for one in steered.continued}
    for i, tokens in enumerate(ids_of(tiny_tokenizer(), prompts)):
        alone = hooks.read(module, tokens, "resid_post", 2)[0, -1]
        np.testing.assert_allclose(states[i], alone.numpy(), atol=NEAR)
        sure = hooks.logits(module, tokens)[0, -1].double().log_softmax(0).max()
        np.testing.assert_allclose(curves.confidence[i], sure, atol=NEAR)
        logits = changed(module, tokens, add)
        np.testing.assert_allclose(steered.log_odds[-1, i], margin(logits, ABSTAINING), atol=NEAR)
        assert said[prompts.prompts[i].id] == int(logits.argmax())


def test_the_oldest_openings_go_first(begun, monkeypatch):
    monkeypatch.setattr(openings, "KEPT", 0)
    adapter = open_adapter(fresh(), "nnsight")
    others = replace(PROMPTS, prompts=tuple(replace(p, text=f"w1 {p.text}") for p in PROMPTS))
    for prompts in (PROMPTS, PROMPTS, others, PROMPTS):
        capture_features(adapter, prompts)
    assert begun == [(2, 16)] * 3


def test_prompts_share_what_half_of_each_begins_with():
    def lengths(*texts):
        ids = [tuple(text.encode()) for text in texts]
        return openings.opening_lengths(ids, [len(row) - 1 for row in ids])

    a, b = "a" * 40, "b" * 40
    assert lengths(f"{a}1", f"{b}1", f"{a}2", f"{b}23") == [32, 32, 32, 32]
    assert lengths(f"{a}1", f"{b}1") == [0, 0], "alone"
    assert lengths(f"{a}1", f"{a}{b * 2}") == [0, 0], "little of the second"
    assert lengths("a" * 12 + "1", "a" * 12 + "2") == [0, 0], "too short"
    assert lengths(a, a + "1") == [32, 32]
    assert lengths("a" * 16, "a" * 16 + "1") == [0, 0], "the last token is read"
