"""Attention knocked out, against a mask that is given to the Hugging Face model itself."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch
from ablated_by_hooks import difference, ids_of, tiny_facts
from tiny import ARCHITECTURES, N_LAYERS, adapter_of, tiny_module

from pytest_interp import assert_survives_ablation, knock_out_attention
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.claims import Status, check_ablation_drops
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.other_keys import other_keys
from pytest_interp.planted import planted_ioi_model
from pytest_interp.planted.ioi import SUBJECT

FACTS = tiny_facts(2, words=5)
TOLERANCE = 1e-4


def masked(module, fact, queries, keys, layers):
    """The metric with minus infinity in the attention mask of these layers."""
    ids = ids_of([fact.clean_prompt])
    attentions = [m for name, m in module.named_modules() if name.endswith((".attn", ".self_attn"))]

    def hook(_, args, kwargs):
        mask = kwargs.get("attention_mask")
        if mask is None:
            n = ids.shape[1]
            mask = torch.full((1, 1, n, n), -torch.inf).triu(1)
        mask = mask.clone()
        if mask.dtype == torch.bool:
            mask = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
        for query in queries:
            mask[:, :, query, keys] = -torch.inf
        return args, {**kwargs, "attention_mask": mask}

    with ExitStack() as stack, torch.no_grad():
        for layer in layers:
            handle = attentions[layer].register_forward_pre_hook(hook, with_kwargs=True)
            stack.callback(handle.remove)
        return difference(module(ids, use_cache=False).logits[0, -1], fact)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_it_is_what_a_mask_before_the_softmax_gives(arch, backend):
    module, adapter = tiny_module(arch), adapter_of(arch, backend)
    for from_, to, queries, keys in (
        ("last", "subject", [4], [1]),
        ("all", 2, [2, 3, 4], [2]),
        ("between", "first", [2, 3], [0]),
    ):
        found = knock_out_attention(adapter, FACTS, from_, to, window=2)
        assert found.what == ("layer 0", "layers 0 to 1", "layers 1 to 2", "layers 2 to 3")
        joint = knock_out_attention(adapter, FACTS, from_, to)
        fact = FACTS.prompts[1]
        for at, layers in enumerate(([0], [0, 1], [1, 2], [2, 3])):
            expected = masked(module, fact, queries, keys, layers)
            np.testing.assert_allclose(found.ablated[1, at], expected, atol=TOLERANCE)
        expected = masked(module, fact, queries, keys, range(N_LAYERS))
        np.testing.assert_allclose(joint.ablated[1], expected, atol=TOLERANCE)
        assert joint.what == ("layers 0 to 3",)
        (control,) = joint.controls
        assert control.value < 1e-4


@pytest.mark.parametrize("backend", backend_names())
def test_beside_it_each_of_the_other_tokens_is_cut(backend):
    adapter = adapter_of("llama", backend)
    asked = {"layers": [1, 2], "window": 2}
    found = knock_out_attention(adapter, FACTS, "last", "subject", **asked)
    # four tokens are left besides the subject: all of them are drawn, in some order
    assert found.other_tokens.shape == (2, 2, 4)
    single = [
        knock_out_attention(adapter, FACTS, "last", i, random=0, **asked) for i in (0, 2, 3, 4)
    ]
    expected = np.sort([one.ablated for one in single], axis=0)
    drawn = np.sort(found.other_tokens.transpose(2, 0, 1), axis=0)
    np.testing.assert_allclose(drawn, expected, atol=TOLERANCE)
    again = knock_out_attention(adapter, FACTS, "last", "subject", seed=0, **asked)
    np.testing.assert_array_equal(again.other_tokens, found.other_tokens)
    # the JSON, and with it saved baselines, is what it was
    assert found.to_json() == found.to_json() | {"random_members": []}


def test_draws_leave_every_query_something_and_are_none_of_what_is_cut():
    rng = np.random.default_rng(0)
    drawn = other_keys((3, 8), (0, 2, 9), 20, rng)
    assert len(drawn) == len(set(drawn)) == 20
    for one in drawn:
        assert len(one) == 2, "nothing sees token 9"
        assert not set(one) & {0, 2}
    # token 1 sees itself and 0
    assert other_keys((1, 2), (2,), 20, rng) in {((0,), (1,)), ((1,), (0,))}
    assert other_keys((0, 2), (2,), 20, rng) == ((1,),)


def test_where_there_are_not_as_many_others_the_control_was_not_run():
    facts = tiny_facts(2, words=7)
    adapter = adapter_of("llama", "nnsight")
    found = knock_out_attention(adapter, facts, "last", "between", window=1)
    assert found.other_tokens.shape == (2, 4, 0)
    verdict = check_ablation_drops(found, "layer 0", min_gap=0)
    assert any("random tokens: not run" in str(c) and "w3 w10" in str(c) for c in verdict.controls)


@pytest.mark.guarantee(
    "undefined",
    "Where all of the attention was on what is knocked out, nothing is left to scale.",
    sees="inconclusive: the metric is nan, with the prompt",
)
@pytest.mark.parametrize("backend", backend_names())
def test_a_planted_model_reads_the_name_where_its_heads_do(backend):
    model = planted_ioi_model("gpt2")
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    adapter, subject = open_adapter(weights, backend), model.roles[SUBJECT].layer
    facts = model.facts.where(lambda fact: fact.id.endswith(("Anna", "Ben", "Carl")))
    # the corrupt prompt differs in the repeated name alone: it is the subject of the fact
    found = knock_out_attention(adapter, facts, "last", "subject", window=1)
    # the subject head looks at nothing else
    assert check_ablation_drops(found, f"layer {subject}").status is Status.INCONCLUSIVE
    for layer in range(adapter.n_layers):
        if layer != subject:
            assert_survives_ablation(found, f"layer {layer}")


@pytest.mark.guarantee(
    "red",
    "Attention is knocked out only where there is some, and where something is left to look at.",
    sees="A refusal that names the prompt, the tokens, and what to change.",
)
def test_what_cannot_be_knocked_out_is_refused():
    adapter = adapter_of("llama", "nnsight")
    for from_, to, asked, said in (
        ("subject", "last", {}, "'last' comes after 'subject'.*exchange the two"),
        ("last", "all", {}, r"nothing is left that token 4 \('last'\)"),
        ("all", "first", {}, r"nothing is left that token 0 \('all'\)"),
        ("last", "w99", {}, "no token 'w99'"),
        ("last", 9, {}, "no token 9"),
        ("last", "subject", {"window": 0}, "window=0"),
        ("last", "subject", {"random": 2}, "random=2"),
        ("last", "subject", {"layers": [4]}, "layer 4 cannot be used"),
    ):
        with pytest.raises(ExperimentError, match=said):
            knock_out_attention(adapter, FACTS, from_, to, **asked)
