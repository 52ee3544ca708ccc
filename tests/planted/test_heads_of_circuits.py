"""Attribution, attention and the scores of heads find what was planted, and nothing else."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pytest_interp import attention_patterns, direct_logit_attribution, induction_scores
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.claims import (
    Status,
    check_attends,
    check_direct_effect,
    check_duplicate_token_head,
    check_induction_head,
    check_previous_token_head,
)
from pytest_interp.planted import planted_induction_model, planted_ioi_model
from pytest_interp.planted.induction import DUPLICATE, INDUCTION, PREVIOUS
from pytest_interp.planted.ioi import BACKUP, MOVER, NEGATIVE, SUBJECT

ARCHS = ("gpt2", "qwen3", "llama")
WHERE = [
    ("gpt2", "transformer_lens"),
    ("gpt2", "nnsight"),
    ("qwen3", "nnsight"),
    ("llama", "transformer_lens"),
]
PASSED, FAILED = Status.PASSED, Status.FAILED


@cache
def ioi(arch):
    return planted_ioi_model(arch)


@cache
def induction(arch):
    return planted_induction_model(arch, duplicate=True)


def opened(model, backend):
    return open_adapter(Weights("planted", model.module, model.tokenizer, "planted"), backend)


@pytest.mark.guarantee(
    "green",
    "Direct effects, attention and the kinds of heads of planted circuits are found as they were "
    "planted, and claims of anything else are false.",
    sees="Nothing: the truth is in the weights.",
)
@pytest.mark.parametrize(("arch", "backend"), WHERE)
def test_every_component_adds_what_was_planted(arch, backend):
    model = ioi(arch)
    found = direct_logit_attribution(opened(model, backend), model.facts)
    for i in (0, len(model.facts) // 2):
        truth = model.truth(i)
        stated = {
            name: truth.direct_effect(name) for name in found.components if name[:4] != "bias"
        }
        measured = dict(zip(found.components, found.contributions[i], strict=True))
        for name, value in stated.items():
            assert measured[name] == pytest.approx(value, abs=model.tolerance), name
        assert found.total[i] == pytest.approx(truth.value, abs=model.tolerance)


DIRECT = [
    (MOVER, {"at_least": 12.0}, PASSED),
    (MOVER, {"share": 1.0}, PASSED),  # the negative head takes away from the whole
    (MOVER, {"at_least": 17.0}, FAILED),
    (MOVER, {"at_most": 12.0}, FAILED),
    (NEGATIVE, {"at_most": -3.0}, PASSED),
    (NEGATIVE, {"at_least": 0.1}, FAILED),
    (NEGATIVE, {"at_most": -5.0}, FAILED),
    # it decides which name is read, and writes no name itself
    (SUBJECT, {"at_least": 0.5}, FAILED),
    # it would take over from the name mover: direct effects are those of the run as it is
    (BACKUP, {"at_least": 0.5}, FAILED),
]


@pytest.mark.parametrize("arch", ARCHS)
def test_claims_on_direct_effects_are_right_about_planted_heads(arch):
    model = ioi(arch)
    found = direct_logit_attribution(opened(model, "nnsight"), model.facts)
    for role, asked, status in DIRECT:
        verdict = check_direct_effect(found, model.roles[role], **asked)
        assert verdict.status is status, (role, asked, str(verdict))


def of_one_place(model):
    """Facts of the first template whose answer is the first of the two names."""
    first = model.facts.templates[0]
    return model.facts.where(
        lambda fact: (
            fact.template == first
            and fact.prompt.clean_prompt.split()[1] == fact.prompt.answer.strip()
        )
    )


@pytest.mark.parametrize(("arch", "backend"), WHERE)
def test_planted_heads_look_where_they_must(arch, backend):
    model = ioi(arch)
    facts = of_one_place(model)
    assert len(facts) >= 3
    found = attention_patterns(opened(model, backend), facts)
    for i, fact in enumerate(facts):
        truth = model.truth(fact.id)
        for role in (SUBJECT, MOVER, NEGATIVE):
            head = model.roles[role]
            stated = truth.pattern(head)
            rows = ~np.isnan(stated).any(axis=1)
            assert rows[-1]
            np.testing.assert_allclose(found.head(head)[i][rows], stated[rows], atol=0.01)
    for role, to, status in (
        (MOVER, 1, PASSED),
        (MOVER, 3, FAILED),
        (NEGATIVE, 1, PASSED),
        (SUBJECT, 8, PASSED),  # the last name of the prompt
        (SUBJECT, 1, FAILED),
    ):
        verdict = check_attends(found, model.roles[role], "last", to, at_least=0.9)
        assert verdict.status is status, (role, to, str(verdict))


@pytest.mark.parametrize(("arch", "backend"), WHERE)
def test_planted_induction_heads_are_found(arch, backend):
    model = induction(arch)
    # its prompts begin with a token of their own, without which the first word has no predecessor
    found = induction_scores(opened(model, backend), n=6, length=12, bos=True)
    matching, previous, same = (model.roles[r] for r in (INDUCTION, PREVIOUS, DUPLICATE))
    assert list(found.leading("induction")) == [str(matching)]
    assert list(found.leading("previous_token")) == [str(previous)]
    assert list(found.leading("duplicate_token")) == [str(same)]
    for check, head, status in (
        (check_induction_head, matching, PASSED),
        (check_previous_token_head, previous, PASSED),
        (check_duplicate_token_head, same, PASSED),
        (check_induction_head, previous, FAILED),
        (check_induction_head, same, FAILED),
        (check_previous_token_head, matching, FAILED),
        (check_duplicate_token_head, matching, FAILED),
    ):
        verdict = check(found, head, at_least=0.8 if status is PASSED else 0.4)
        assert verdict.status is status, str(verdict)


def test_no_distractor_is_an_induction_head_at_any_length():
    """At 10 words one turns to nine tokens back, whatever is there: its positions are rotary."""
    model = planted_induction_model("qwen3")
    adapter, matching = opened(model, "nnsight"), str(model.roles[INDUCTION])
    for length in range(8, 13):
        found = induction_scores(adapter, n=4, length=length, bos=True)
        high = found.leading("induction")
        assert [head for head in high if check_induction_head(found, head)] == [matching]
