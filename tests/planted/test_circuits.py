"""Planted circuits: what is stated of them, how they are built, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from circuit_runs import Runs
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.facts.prompts import single_token, tokenize_fact
from pytest_interp.planted import (
    planted_induction_model,
    planted_ioi_model,
    planted_two_step_model,
)
from pytest_interp.planted.induction import DUPLICATE, INDUCTION, PREVIOUS, START, WORDS
from pytest_interp.planted.ioi import ANSWERED, BACKUP, MOVER, NEGATIVE, SUBJECT
from pytest_interp.planted.two_step import RECEIVER, SENDER

BUILDERS = (planted_induction_model, planted_ioi_model, planted_two_step_model)
ARCHS = ("gpt2", "qwen3", "llama")


def weights(model: Any) -> torch.Tensor:
    return torch.cat([parameter.flatten() for parameter in model.module.parameters()])


@pytest.mark.parametrize("builder", BUILDERS)
def test_same_seed_same_weights(builder: Any) -> None:
    assert torch.equal(weights(builder("llama", seed=1)), weights(builder("llama", seed=1)))
    assert not torch.equal(weights(builder("llama", seed=1)), weights(builder("llama", seed=2)))


@pytest.mark.parametrize("builder", BUILDERS)
def test_saved_and_loaded_it_says_the_same(builder: Any, tmp_path: Path) -> None:
    model = builder("qwen3")
    model.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    module = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager")
    inputs = tokenizer(model.facts.prompts[0].clean_prompt, return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(module(**inputs).logits, model.module(**inputs).logits)


@pytest.mark.parametrize("builder", BUILDERS)
def test_all_prompts_are_known_words_and_of_one_length(builder: Any) -> None:
    model = builder("gpt2")
    lengths = set()
    for prompt in model.facts.prompts:
        fact = tokenize_fact(prompt, model.tokenizer)
        lengths.add(len(fact))
        assert model.tokenizer.unk_token_id not in (*fact.clean_ids, *fact.corrupt_ids)
        assert len(fact.corrupted_positions) == 1
    lengths |= {len(model.tokenizer(text)["input_ids"]) for text in model.reference}
    assert len(lengths) == 1
    assert single_token(model.tokenizer, model.facts.prompts[0].answer) > 1


@pytest.mark.parametrize("arch", ARCHS)
def test_scores_on_repeated_random_words(arch: str) -> None:
    """The induction head looks one past the earlier copy, the other head one back."""
    model, length = planted_induction_model(arch, length=12), 12
    truth, runs = model.truth(), Runs(model)
    words = [str(w) for w in np.random.default_rng(5).permutation(WORDS)[:length]]
    prompt = (START, *words, *words)
    measured = runs.patterns(" ".join(prompt))
    for role, induction, previous in ((INDUCTION, 1.0, 0.0), (PREVIOUS, 0.0, 1.0)):
        head = model.roles[role]
        stated = truth.pattern(head, prompt)
        found = measured[head.layer][head.index].numpy()
        rows = ~np.isnan(stated).any(axis=1)
        np.testing.assert_allclose(found[rows], stated[rows], rtol=0, atol=0.01)
        assert rows[length + 1 :].all()
        for pattern in (stated, found):
            second = np.diagonal(pattern, 1 - length)[2:]
            assert second.mean() == pytest.approx(induction, abs=0.01)
            assert np.diagonal(pattern, -1).mean() == pytest.approx(previous, abs=0.01)
        assert truth.score(head, prompt, back=1) == pytest.approx(previous, abs=0.01)
    where = truth.attention(model.roles[INDUCTION], len(truth.clean) - 1, len(truth.clean) - length)
    assert where == pytest.approx(1), "the answer follows the earlier copy of the last word"


@pytest.mark.parametrize("arch", ARCHS)
def test_a_duplicate_token_head_looks_at_the_first_copy(arch: str) -> None:
    model, length = planted_induction_model(arch, length=8, duplicate=True), 8
    truth, runs = model.truth(), Runs(model)
    words = [str(w) for w in np.random.default_rng(5).permutation(WORDS)[:length]]
    head = model.roles[DUPLICATE]
    found = runs.patterns(" ".join((*words, *words)))[head.layer][head.index].numpy()
    stated = truth.pattern(head, (*words, *words))
    np.testing.assert_allclose(found, stated, rtol=0, atol=0.01)
    assert np.diagonal(found, -length) == pytest.approx(1, abs=0.01)
    assert truth.score(head, (*words, *words), back=length) == pytest.approx(1, abs=0.01)
    assert abs(truth.ablation_effect(head, "zero")) < 1, "nothing reads what it writes"


@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_either_head_alone_does_not_make_induction(kind: Any) -> None:
    model = planted_induction_model("llama")
    truth = model.truth()
    for head in model.roles.values():
        assert abs(truth.ablated(head, kind)) < 2, "of 13"
        assert truth.faithfulness([head], kind) == pytest.approx(0, abs=0.2)
    assert truth.faithfulness(list(model.roles.values()), kind) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["zero", "mean"])
@pytest.mark.parametrize("arch", ARCHS)
def test_only_joint_ablation_shows_the_backup(arch: str, kind: Any) -> None:
    model = planted_ioi_model(arch)
    truth, roles = model.truth(), model.roles
    assert truth.direct_effect(roles[MOVER]) == pytest.approx(16, abs=1)
    assert truth.direct_effect(roles[NEGATIVE]) == pytest.approx(-4, abs=0.5)
    assert truth.direct_effect(roles[BACKUP]) == 0
    assert truth.direct_effect(roles[SUBJECT]) == 0
    alone, both = (
        truth.ablation_effect(heads, kind)
        for heads in (roles[MOVER], [roles[MOVER], roles[BACKUP]])
    )
    assert alone == pytest.approx(6, abs=0.5)
    assert truth.ablation_effect(roles[BACKUP], kind) == pytest.approx(0, abs=1e-9)
    assert both == pytest.approx(16, abs=1)
    assert truth.ablation_effect(roles[NEGATIVE], kind) == pytest.approx(-4, abs=0.5)
    assert truth.ablation_effect(roles[SUBJECT], kind) > 20, "it answers with the subject"


@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_what_a_circuit_lacks_without_one_of_its_parts(kind: Any) -> None:
    model = planted_ioi_model("qwen3")
    truth, roles = model.truth(), model.roles
    small = [roles[role] for role in (SUBJECT, MOVER, NEGATIVE)]
    assert truth.faithfulness(small, kind) == pytest.approx(1, abs=0.03)
    without = {
        role: truth.faithfulness([c for c in small if c != roles[role]], kind)
        for role in (SUBJECT, MOVER, NEGATIVE)
    }
    assert without[SUBJECT] < -0.9
    assert without[MOVER] == pytest.approx(-1 / 3, abs=0.05)
    assert without[NEGATIVE] == pytest.approx(4 / 3, abs=0.05)
    spare = [*small, roles[BACKUP]]
    loud = truth.faithfulness(spare, kind)
    # the backup is silent only while the answer is noted; a mean of notes is one
    assert loud == pytest.approx(1 if kind == "mean" else 1 + 10 / 12, abs=0.07)
    assert truth.faithfulness([*spare, roles[ANSWERED]], kind) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("through", ["query", "key", "value", "mlp"])
@pytest.mark.parametrize("arch", ARCHS)
def test_the_receiver_reads_the_sender_by_one_input(arch: str, through: Any) -> None:
    model = planted_two_step_model(arch, through=through)
    truth, sender, receiver = model.truth(), model.roles[SENDER], model.roles[RECEIVER]
    group = (receiver.index or 0) * model.machine.shape.n_kv_heads // 4
    inputs = {"query": f"q.3.{receiver.index}", "key": f"k.3.{group}", "value": f"v.3.{group}"}
    if through == "mlp":
        inputs = {"mlp": "mlp_out.3"}
    for name, to in inputs.items():
        for direction in ("noise", "denoise"):
            effect = truth.path_effect(sender, to, direction)
            assert effect == pytest.approx(float(name == through), abs=1e-6)
    assert truth.path_effect(sender, "output") == pytest.approx(0, abs=1e-6)
    assert truth.path_effect(receiver, "output") == pytest.approx(1, abs=1e-6)
    assert truth.path_effect("head.0.0", inputs[through]) == 0


def test_the_note_of_an_answer_is_the_path_to_the_backup() -> None:
    model = planted_ioi_model("llama")
    truth, roles = model.truth(), model.roles
    query = str(roles[BACKUP]).replace("head", "q")
    assert truth.path_effect(roles[MOVER], str(roles[ANSWERED])) == pytest.approx(0, abs=1e-6)
    assert truth.path_effect(roles[SUBJECT], query) == pytest.approx(0, abs=1e-6)
    moved = truth.path_effect(roles[SUBJECT], str(roles[MOVER]).replace("head", "q"))
    assert moved == pytest.approx(4 / 3, abs=0.05), "all but what the negative head adds"


@pytest.mark.parametrize(
    ("builder", "arguments", "message"),
    [
        (planted_induction_model, {"previous_layer": 3}, "comes after"),
        (planted_induction_model, {"length": 40}, "4 to 31"),
        (planted_induction_model, {"length": 5, "duplicate": True}, "8 to 31"),
        (planted_induction_model, {"n_layers": 4, "duplicate": True}, "the last layer"),
        (planted_induction_model, {"d_model": 64}, "at least"),
        (planted_ioi_model, {"first_layer": 3}, "takes four"),
        (planted_ioi_model, {"n_names": 4}, "6 to 24"),
        (planted_two_step_model, {"sender_layer": 3}, "comes after"),
        (planted_two_step_model, {"n_pairs": 9}, "3 to 8"),
    ],
)
def test_what_does_not_fit_is_refused(builder: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        builder("gpt2", **arguments)


@pytest.mark.parametrize("arguments", [{"arch": "gpt3"}, {"through": "querry"}])
def test_unknown_names_are_answered_with_the_known(arguments: Any) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean"):
        planted_two_step_model(**arguments)


def test_the_truth_refuses_what_the_model_has_not() -> None:
    truth = planted_ioi_model("llama").truth()
    for ask in (
        lambda: truth.direct_effect("head.0.9"),
        lambda: truth.ablated("mlp_out.6", "zero"),
        lambda: truth.head_effect(0, 1, "k"),
        lambda: truth.pattern("head.0.0"),
        lambda: truth.path_effect("head.4.0", "q.3.0"),
    ):
        with pytest.raises(ExperimentError):
            ask()
    for ask in (
        lambda: truth.ablated("mlp_out.1", "random"),
        lambda: truth.head_effect(0, 0, "z"),
        lambda: truth.head_effect(0, 0, "q", direction="up"),
    ):
        with pytest.raises(UnknownNameError):
            ask()


@pytest.mark.parametrize("builder", BUILDERS)
def test_only_induction_has_a_word_that_begins_a_text(builder: Any) -> None:
    tokenizer = builder("gpt2").tokenizer
    first = START if builder is planted_induction_model else None
    assert tokenizer.bos_token == first
    assert tokenizer.convert_ids_to_tokens(tokenizer(WORDS[0])["input_ids"])[0] != START
