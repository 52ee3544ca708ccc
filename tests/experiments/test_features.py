"""Features of labelled prompts, against one pass a prompt with plain torch hooks."""

import copy
from dataclasses import replace

import hooks
import numpy as np
import pytest
import torch
from labelled_sets import tiny_prompts
from tiny import ARCHITECTURES, adapter_of, tiny_module, tiny_tokenizer
from told_hooks import ids_of, margin

from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.errors import ExperimentError, InterpError, PromptError
from pytest_interp.experiments.features import capture_features

PROMPTS = tiny_prompts()


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize(
    ("site", "position"), [("resid_post", -1), ("attn_out", -2), ("mlp_out", 1), ("head", 0)]
)
def test_states_are_those_of_single_passes(arch, backend, site, position):
    module = tiny_module(arch)
    found = capture_features(adapter_of(arch, backend), PROMPTS, site, position, layers=[3, 0])
    assert found.layers == (0, 3)
    for i, tokens in enumerate(ids_of(tiny_tokenizer(), PROMPTS)):
        assert found.tokens[i] == tuple(tokens[0].tolist())
        for row, layer in enumerate(found.layers):
            state = hooks.read(module, tokens, site, layer)[0, position].flatten()
            np.testing.assert_allclose(found.states[row, i], state.numpy(), atol=1e-4)
        last = hooks.logits(module, tokens)[0, -1]
        sure = torch.log_softmax(last.double(), 0).max()
        np.testing.assert_allclose(found.confidence[i], sure, atol=1e-4)
        abstaining = tiny_tokenizer()("w1 w5")["input_ids"]
        np.testing.assert_allclose(found.abstains_by[i], margin(last, abstaining), atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"site": "pattern"}, "give one that holds a vector per token"),
        ({"position": -5}, "has 3 tokens, and none at position -5"),
        ({"position": 3}, "has 3 tokens, and none at position 3"),
        ({"layers": [4]}, "has layers 0 to 3"),
    ],
)
def test_what_cannot_be_read_is_refused(changes, said):
    with pytest.raises(ExperimentError, match=said):
        capture_features(adapter_of("gpt2", "nnsight"), PROMPTS, **changes)


@pytest.mark.guarantee(
    "red",
    "An abstaining answer of several tokens is refused.",
    sees="A message that names the answer and its tokens.",
)
def test_abstaining_answers_are_one_token():
    wrong = replace(PROMPTS, abstain=("w1 w2",))
    with pytest.raises(InterpError, match="w1 w2"):
        capture_features(adapter_of("gpt2", "nnsight"), wrong)


CHAT = (
    "{% for said in messages %}w2 {{ said['content'] }} w3{% endfor %}"
    "{% if add_generation_prompt %} w4{% endif %}"
)


@pytest.mark.parametrize("backend", backend_names())
def test_a_chat_set_goes_through_the_chat_template(backend):
    tokenizer = copy.deepcopy(tiny_tokenizer())
    tokenizer.chat_template = CHAT
    adapter = open_adapter(Weights("chat", tiny_module("llama"), tokenizer, "planted"), backend)
    asked = [f"w2 {prompt.text} w3 w4" for prompt in PROMPTS]
    plain = replace(
        PROMPTS,
        prompts=tuple(replace(p, text=text) for p, text in zip(PROMPTS, asked, strict=True)),
    )
    found = capture_features(adapter, replace(PROMPTS, chat=True))
    expected = capture_features(adapter, plain)
    assert found.tokens == expected.tokens
    np.testing.assert_array_equal(found.states, expected.states)


def test_without_a_chat_template_a_chat_set_is_refused():
    with pytest.raises(PromptError, match="has no chat template, which the prompt set 'tiny' asks"):
        capture_features(adapter_of("gpt2", "nnsight"), replace(PROMPTS, chat=True))
