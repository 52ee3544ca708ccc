"""Attention patterns and the scores of heads, against plain hooks and TransformerLens."""

from __future__ import annotations

from types import SimpleNamespace

import hooks
import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, N_HEADS, N_LAYERS, adapter_of, tiny_module, tiny_tokenizer

from pytest_interp import FactPrompt, FactSet, attention_patterns, induction_scores
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.claims import Status, check_attends, check_induction_head
from pytest_interp.errors import ClaimError, ExperimentError, PromptError

PROMPTS = ("w3 w14 w15 w9 w26 w5", "w7 w2 w40 w5", "w9 w2 w3 w9 w1 w4")
FACTS = FactSet.of(
    FactPrompt(
        clean_prompt=clean,
        corrupt_prompt=corrupt,
        answer="w31",
        counterfactual_answer="w30",
        subject=subject,
    )
    for clean, corrupt, subject in (
        ("w3 w14 w15 w9 w26 w5", "w3 w4 w15 w9 w26 w5", "w14 w15"),
        ("w7 w2 w40 w5", "w7 w3 w40 w5", "w2"),
    )
)


@pytest.mark.guarantee(
    "green",
    "Attention patterns and the scores of heads are those of plain hooks, on every architecture "
    "and backend.",
    sees="Heads named as `head.9.6`, with their pattern in each prompt.",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_patterns_are_those_of_plain_hooks(model, backend):
    adapter = adapter_of(model, backend)
    found = attention_patterns(adapter, PROMPTS)
    assert [len(tokens) for tokens in found.str_tokens] == [6, 4, 6]
    for prompt, pattern in zip(PROMPTS, found.patterns, strict=True):
        for layer in range(N_LAYERS):
            tokens = adapter.encode(prompt)
            wanted = hooks.read(adapter.weights.module, tokens, "pattern", layer)[0]
            np.testing.assert_allclose(pattern[layer], wanted, atol=1e-6)


@pytest.mark.parametrize("backend", backend_names())
def test_facts_have_their_metric_and_their_subject(backend):
    adapter = adapter_of("qwen3", backend)
    found = attention_patterns(adapter, FACTS, layers=[2, 1])
    assert found.layers == (1, 2)
    assert found.subject_positions == ((1, 2), (1,))
    for i, one in enumerate(FACTS.prompts):
        for prompt, metric in (
            (one.clean_prompt, found.clean),
            (one.corrupt_prompt, found.corrupt),
        ):
            logits = adapter.run(prompt).logits[0, -1]
            a, b = (adapter.answer_id(x) for x in (one.answer, one.counterfactual_answer))
            assert metric[i] == pytest.approx(float(logits[a] - logits[b]), abs=1e-5)
    (alone,) = attention_patterns(adapter, FACTS.prompts[0], layers=[1]).patterns
    np.testing.assert_allclose(alone, found.patterns[0][:1], atol=1e-6)


def test_attention_is_added_over_keys_and_averaged_over_queries():
    found = attention_patterns(adapter_of("gpt2", "nnsight"), PROMPTS)
    pattern = found.head("head.2.3")[2]
    # w9 stands at 0 and 3
    one = attention_patterns(adapter_of("gpt2", "nnsight"), PROMPTS[2])
    assert one.positions("w9") == [(0, 3)]
    assert one.attention("head.2.3", "last", "w9")[0] == pytest.approx(
        pattern[5, 0] + pattern[5, 3], abs=1e-6
    )
    assert one.attention("head.2.3", "w9", "first")[0] == pytest.approx(
        (pattern[0, 0] + pattern[3, 0]) / 2, abs=1e-6
    )
    assert one.attention("head.2.3", -2, 1)[0] == pytest.approx(pattern[4, 1], abs=1e-6)
    assert one.uniform("last", "w9") == pytest.approx([2 / 6])
    assert one.uniform("w9", 3) == pytest.approx([(0 + 1 / 4) / 2])
    every = found.mean_attention("last", "first")
    assert every.shape == (N_LAYERS, N_HEADS)
    assert every[2, 3] == pytest.approx(found.attention("head.2.3", "last", "first").mean())


def test_roles_of_facts():
    found = attention_patterns(adapter_of("llama", "nnsight"), FACTS)
    assert found.positions("subject") == [(1, 2), (1,)]
    assert found.positions("subject_first") == [(1,), (1,)]
    assert found.positions("subject_last") == [(2,), (1,)]
    assert found.positions("between") == [(3, 4), (2,)]
    assert found.positions("last") == [(5,), (3,)]
    assert found.positions("w5") == [(5,), (3,)]


def test_tokens_and_heads_that_are_not_there_are_refused():
    found = attention_patterns(adapter_of("llama", "nnsight"), PROMPTS, layers=[1, 2])
    with pytest.raises(ClaimError, match="'w7 w2 w40 w5' has no token 'w26': its tokens are"):
        found.positions("w26")
    with pytest.raises(ClaimError, match=r"no token 'subject'.* role \(first, last\), the text"):
        found.positions("subject")
    with pytest.raises(ClaimError, match="token 2 means different things in prompts of 4 to 6"):
        found.positions(2)
    with pytest.raises(ClaimError, match="has no token 9"):
        attention_patterns(adapter_of("llama", "nnsight"), PROMPTS[0]).positions(9)
    for name in ("head.0.1", "head.3.0", "head.1.4"):
        with pytest.raises(ClaimError, match=f"there is no {name}: the layers 1 to 2 were read"):
            found.head(name)
    for name in ("mlp_out.1", "head.1", "embed"):
        with pytest.raises(ClaimError, match="is no head: write its layer and its number"):
            found.head(name)
    with pytest.raises(ClaimError, match=r"is no component.* A head is written as 'head.9.6'"):
        found.head("9.6")
    with pytest.raises(PromptError, match="each once"):
        attention_patterns(adapter_of("llama", "nnsight"), [PROMPTS[0], PROMPTS[0]])


def scores_by_hand(adapter, n, length, seed):
    """Scores of every head [sequence, layer, head], pair by pair, and the sequences."""
    rng = np.random.default_rng(seed)
    names = ("induction", "previous_token", "duplicate_token", "unrepeated", "two_back")
    found = {name: np.empty((n, N_LAYERS, N_HEADS)) for name in names}
    for i in range(n):
        # 0 is the only special token of the tiny vocabulary
        drawn = rng.choice(np.arange(1, 61), 2 * length, replace=False)
        one, other = drawn[:length], drawn[length:]
        for layer in range(N_LAYERS):
            for second, wanted in ((one, True), (other, False)):
                tokens = torch.tensor([[*one, *second]])
                pattern = hooks.read(adapter.weights.module, tokens, "pattern", layer)[0].numpy()
                copy = range(length, 2 * length)
                induction = np.mean([pattern[:, q, q - length + 1] for q in copy], axis=0)
                if not wanted:
                    found["unrepeated"][i, layer] = induction
                    continue
                found["induction"][i, layer] = induction
                found["duplicate_token"][i, layer] = np.mean(
                    [pattern[:, q, q - length] for q in copy], axis=0
                )
                for name, back in (("previous_token", 1), ("two_back", 2)):
                    every = range(back, 2 * length)
                    found[name][i, layer] = np.mean([pattern[:, q, q - back] for q in every], 0)
    return found


@pytest.mark.guarantee(
    "green",
    "Attention patterns and the scores of heads are those of plain hooks, on every architecture "
    "and backend.",
    sees="Heads named as `head.9.6`, with their pattern in each prompt.",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_scores_are_those_of_plain_hooks(model, backend):
    adapter = adapter_of(model, backend)
    found = induction_scores(adapter, n=2, length=5, seed=3)
    wanted = scores_by_hand(adapter, 2, 5, 3)
    assert not found.bos
    for name in ("induction", "previous_token", "duplicate_token", "two_back"):
        np.testing.assert_allclose(getattr(found, name), wanted[name], atol=1e-6)
    np.testing.assert_allclose(found.induction_unrepeated, wanted["unrepeated"], atol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scores_are_those_of_the_head_detector_of_transformer_lens():
    from transformer_lens.head_detector import detect_head
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

    length = 6
    module = tiny_module("gpt2")
    name = type(module).__name__
    bridge = build_bridge_from_module(module, name, hf_config=module.config, tokenizer=None)
    tokens = np.random.default_rng(0).choice(np.arange(1, 61), 2 * length, replace=False)[:length]
    ids = torch.tensor([[*tokens, *tokens]])
    bridge.to_tokens = lambda _: ids  # its texts go through a tokenizer, which it has none of
    found = induction_scores(adapter_of("gpt2", "transformer_lens"), n=1, length=length)
    # it divides by all of the attention: one for each query
    for kind, pairs, values in (
        ("induction_head", length, found.induction),
        ("previous_token_head", 2 * length - 1, found.previous_token),
        ("duplicate_token_head", length, found.duplicate_token),
    ):
        theirs = detect_head(bridge, "", kind) * 2 * length / pairs
        np.testing.assert_allclose(theirs, values[0], atol=1e-5)


def tokens_of(monkeypatch, adapter, **asked):
    """The sequences that were run, repeated ones first."""
    seen = []
    run = type(adapter).run

    def watched(self, tokens, *args, **kwargs):
        seen.append(np.array(tokens))
        return run(self, tokens, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(type(adapter), "run", watched)
        induction_scores(adapter, **asked)
    return seen


def test_sequences_are_drawn_by_their_seed_from_tokens_of_text(monkeypatch):
    adapter = adapter_of("llama", "nnsight")
    repeated, other = tokens_of(monkeypatch, adapter, n=4, length=30)
    assert repeated.shape == other.shape == (4, 60)
    assert (repeated[:, :30] == repeated[:, 30:]).all()
    assert (repeated[:, :30] == other[:, :30]).all()
    for row in other:
        assert len(set(row)) == 60, "nothing is repeated in the control"
    assert (other > 0).all(), "0 is a special token"
    again, _ = tokens_of(monkeypatch, adapter, n=4, length=30)
    elsewhere, _ = tokens_of(monkeypatch, adapter, n=4, length=30, seed=1)
    assert (again == repeated).all()
    assert not (elsewhere == repeated).all()


def test_the_token_that_begins_a_text_is_no_part_of_a_score(monkeypatch):
    with pytest.raises(ExperimentError, match="has no token that begins a text: leave bos out"):
        induction_scores(adapter_of("llama", "nnsight"), n=1, length=5, bos=True)
    tokenizer = tiny_tokenizer()
    tokenizer.bos_token = "w9"
    adapter = open_adapter(Weights("begun", tiny_module("llama"), tokenizer, "random"), "nnsight")
    plain, *_ = tokens_of(monkeypatch, adapter, n=1, length=5)
    assert plain.shape == (1, 10), "the tokenizer puts none before a text"
    begun, *_ = tokens_of(monkeypatch, adapter, n=1, length=5, bos=True)
    assert begun[0].tolist() == [10, *plain[0]]
    assert 10 not in plain
    found = induction_scores(adapter, n=1, length=5, bos=True)
    assert found.bos
    pattern = hooks.read(adapter.weights.module, torch.tensor(begun), "pattern", 1)[0]
    by_hand = [float(pattern[2, q, q - 4]) for q in range(6, 11)]
    assert found.induction[0, 1, 2] == pytest.approx(np.mean(by_hand), abs=1e-6)
    before = [float(pattern[2, q, q - 1]) for q in range(2, 11)]
    assert found.previous_token[0, 1, 2] == pytest.approx(np.mean(before), abs=1e-6)


@pytest.mark.parametrize("asked", [{"n": 0}, {"length": 2}, {"n": -1}])
def test_numbers_that_make_no_sense_are_refused(asked):
    with pytest.raises(ExperimentError, match="at least 1 sequence, and at least 3 tokens"):
        induction_scores(adapter_of("llama", "nnsight"), **asked)


def test_a_small_vocabulary_has_short_copies():
    with pytest.raises(
        ExperimentError, match=r"has 60 tokens .* need 62: give a length of at most"
    ):
        induction_scores(adapter_of("llama", "nnsight"), length=31)


def test_a_sequence_is_no_longer_than_the_model_reads():
    with pytest.raises(
        ExperimentError, match=r"more than tiny-llama reads, which is 64: .* most 32"
    ):
        induction_scores(adapter_of("llama", "nnsight"), length=40)


def test_what_the_tokenizer_added_is_not_drawn(monkeypatch):
    adapter = adapter_of("llama", "nnsight")
    added = {i: SimpleNamespace() for i in range(20, 30)}
    monkeypatch.setattr(type(adapter.tokenizer), "added_tokens_decoder", added)
    drawn = np.concatenate(tokens_of(monkeypatch, adapter, n=8, length=20))
    assert not np.isin(drawn, list(added)).any()


@pytest.mark.guarantee(
    "undefined",
    "Claims about heads of which a number is not finite are inconclusive.",
    sees="Undefined is not zero, with the fact, the prompt or the sequence.",
)
def test_heads_behind_weights_that_are_not_numbers_decide_nothing():
    module = tiny_module("llama")
    with torch.no_grad():
        module.model.layers[1].mlp.down_proj.weight.fill_(torch.nan)
    weights = Weights("broken", module, tiny_tokenizer(), "random")
    adapter = open_adapter(weights, "nnsight")
    looks = attention_patterns(adapter, PROMPTS)
    scores = induction_scores(adapter, n=4, length=5)
    for head in ("head.2.0", "head.3.3"):
        for verdict in (
            check_attends(looks, head, "last", "first", at_least=0.5),
            check_induction_head(scores, head),
        ):
            assert verdict.status is Status.INCONCLUSIVE
            assert "Undefined is not zero" in verdict.sentence
    # what comes before is as it was
    assert check_induction_head(scores, "head.0.0").status is Status.FAILED
