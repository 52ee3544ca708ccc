"""Traces of heads and of sets of cells in planted models, whose truth comes from their plan."""

from functools import cache

import numpy as np
import pytest

from pytest_interp import (
    FactSet,
    assert_fact_localized,
    assert_heads_matter,
    assert_necessary,
    assert_sufficient,
    trace_heads,
    trace_joint,
)
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.claims import Status, check_fact_localized, check_heads_matter
from pytest_interp.errors import ClaimFailed
from pytest_interp.experiments import patch_runs
from pytest_interp.planted import Cell, planted_model

CASES = [("gpt2", "nnsight"), ("llama", "transformer_lens"), ("qwen3", "nnsight")]


@cache
def planted(arch):
    return planted_model(arch, n_layers=6)


@cache
def opened(arch, backend):
    model = planted(arch)
    return open_adapter(Weights("planted", model.module, model.tokenizer, "planted"), backend)


def facts(arch):
    return FactSet.of(planted(arch).facts[:4], "planted", "planted")


@pytest.mark.parametrize("direction", ["denoise", "noise"])
@pytest.mark.parametrize(("arch", "backend"), CASES)
def test_heads_of_planted_models_do_what_is_true_of_them(arch, backend, direction):
    truth = planted(arch).truth
    effect = truth.effect("head", direction)
    reader = tuple(int(i) for i in np.argwhere(effect[:, :, -1] > 0.5)[0])
    found = trace_heads(opened(arch, backend), planted(arch).facts[0], direction=direction)
    np.testing.assert_allclose(found.effect[0], effect[:, :, -1], atol=truth.tolerance)
    name = f"head.{reader[0]}.{reader[1]}"
    assert found.strongest == name
    assert all(control.holds for control in found.controls), found.controls
    assert_heads_matter(found, name, at_least=0.9, others_at_most=0.1)
    assert_fact_localized(found, f"{name}@last")
    wrong = f"head.{reader[0]}.{(reader[1] + 1) % len(found.heads)}"
    assert check_heads_matter(found, wrong, at_least=0.5).status is Status.FAILED
    with pytest.raises(ClaimFailed, match=r"False in"):
        assert_fact_localized(found, f"{wrong}@last")


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_a_pair_that_is_not_unrelated_moves_answers_by_a_share_of_the_gap(direction, monkeypatch):
    """That of one of four facts: its answers move by the whole gap, those of the others hardly."""
    adapter, some = opened("gpt2", "nnsight"), facts("gpt2")
    own = some.prompts[0]
    monkeypatch.setattr(patch_runs, "UNRELATED", ((own.clean_prompt, own.corrupt_prompt),))
    end = f"resid_post.{adapter.n_layers - 1}@last"
    found = trace_joint(adapter, some, {"end": end, "start": "embed@last"}, direction=direction)
    identity, unrelated = found.controls
    clean, corrupt = (
        adapter.run(adapter.encode(text)).logits[0, -1]
        for text in (own.clean_prompt, own.corrupt_prompt)
    )
    moved = [
        abs(float((clean - corrupt)[adapter.answer_id(fact.answer)]
                  - (clean - corrupt)[adapter.answer_id(fact.counterfactual_answer)]))
        for fact in some.prompts
    ]  # fmt: skip
    assert unrelated.value == pytest.approx(np.mean(moved) / np.abs(found.gap).mean(), rel=1e-3)
    assert unrelated.value > 0.2
    alone = trace_joint(adapter, some, {"end": end}, direction=direction)
    assert alone.controls[1].value == pytest.approx(unrelated.value), "the largest of all sets"
    assert unrelated.note == f"{own.clean_prompt!r} against {own.corrupt_prompt!r}"
    assert identity.value < 1e-5


@pytest.mark.parametrize("backend", backend_names())
def test_sets_of_planted_cells(backend):
    model = planted("gpt2")
    truth, adapter = model.truth, opened("gpt2", backend)
    subject, last = truth.positions["subject"], len(truth.clean) - 1
    reader = int(np.argwhere(truth.effect("attn_out")[:, last] > 0.5)[0, 0])
    cells = {
        "all that is stored": [Cell("mlp_out", n, p) for n in range(6) for p in subject],
        "reader": [Cell("attn_out", reader, last)],
        "elsewhere": [Cell("attn_out", n, 0) for n in range(6)],
    }
    sets = {
        "all that is stored": "mlp_out.0-5@subject",
        "reader": [f"attn_out.{reader}@last"],
        "elsewhere": "attn_out.0-5@0",
    }
    for direction, claim in (("denoise", assert_sufficient), ("noise", assert_necessary)):
        found = trace_joint(adapter, model.facts[0], sets, direction=direction)
        expected = [truth.joint_effect(tuple(one), direction) for one in cells.values()]
        np.testing.assert_allclose(found.effect[0], expected, atol=truth.tolerance)
        claim(found, "reader", at_least=0.9)
        with pytest.raises(ClaimFailed):
            claim(found, "elsewhere")


def test_a_set_of_facts_has_an_interval():
    found = trace_heads(opened("gpt2", "nnsight"), facts("gpt2"))
    verdict = check_fact_localized(found, f"{found.strongest}@last")
    assert verdict.n_prompts == 4
    assert verdict.status in (Status.PASSED, Status.INCONCLUSIVE)
    assert found.effect.shape == (4, 6, opened("gpt2", "nnsight").n_heads)
