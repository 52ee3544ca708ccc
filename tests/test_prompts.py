"""Prompts as tokens, with SmolLM2's tokenizer (byte-level BPE, no BOS)."""

from __future__ import annotations

import pytest
from tiny import adapter_of

from pytest_interp import FactPrompt
from pytest_interp.errors import PromptError
from pytest_interp.facts.prompts import single_token, tokenize_fact


@pytest.fixture(scope="module")
def tokenizer():
    return adapter_of("smollm2-135m", "nnsight").tokenizer


def test_a_fact_as_tokens(tokenizer):
    fact = FactPrompt(
        clean_prompt="The capital of France is",
        corrupt_prompt="The capital of Japan is",
        answer=" Paris",
        counterfactual_answer=" Tokyo",
        subject="France",
    )
    tokens = tokenize_fact(fact, tokenizer)
    assert tokens.str_tokens == ("The", " capital", " of", " France", " is")
    assert tokens.corrupted_positions == tokens.subject_positions == (3,)
    assert tokenizer.decode([tokens.answer_id]) == " Paris"
    assert len(tokens) == 5


def test_a_subject_of_several_tokens_is_more_than_what_differs(tokenizer):
    fact = FactPrompt(
        clean_prompt="The Eiffel Tower is in",
        corrupt_prompt="The Tokyo Tower is in",
        answer=" Paris",
        counterfactual_answer=" Tokyo",
        subject="Eiffel Tower",
    )
    if len(tokenizer(" Eiffel").input_ids) != len(tokenizer(" Tokyo").input_ids):
        fact = FactPrompt(
            clean_prompt="The London Tower is in",
            corrupt_prompt="The Tokyo Tower is in",
            answer=" Paris",
            counterfactual_answer=" Tokyo",
            subject="London Tower",
        )
    tokens = tokenize_fact(fact, tokenizer)
    assert set(tokens.corrupted_positions) < set(tokens.subject_positions)
    text = "".join(tokens.str_tokens[i] for i in tokens.subject_positions)
    assert text.strip() == fact.subject


def test_of_two_occurrences_the_corrupted_one_is_the_subject(tokenizer):
    fact = FactPrompt(
        clean_prompt="France and France",
        corrupt_prompt="France and Japan",
        answer=" a",
        counterfactual_answer=" b",
        subject="France",
    )
    assert tokenize_fact(fact, tokenizer).subject_positions == (2,)


def test_without_a_subject_the_span_that_differs(tokenizer):
    fact = FactPrompt(
        clean_prompt="one red big cat",
        corrupt_prompt="one blue big dog",
        answer=" a",
        counterfactual_answer=" b",
    )
    assert tokenize_fact(fact, tokenizer).subject_positions == (1, 2, 3)


def test_an_answer_that_lost_its_space(tokenizer):
    pieces = tokenizer("Budapest", add_special_tokens=False).input_ids
    assert len(pieces) > 1
    with pytest.raises(PromptError, match="With its leading space it is one: use ' Budapest'"):
        single_token(tokenizer, "Budapest")


def test_an_answer_of_many_tokens(tokenizer):
    with pytest.raises(PromptError, match="Choose an answer that this tokenizer keeps whole"):
        single_token(tokenizer, " supercalifragilistic")
