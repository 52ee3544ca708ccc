"""The tokens of a fact, each of which the model has."""

from __future__ import annotations

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact, tokenize_fact


def tokenized(adapter: ModelAdapter, fact: FactPrompt) -> TokenizedFact:
    """A fact by the tokenizer of a model.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks
            a token, as one that was added to the tokenizer beyond the embedding.
    """
    found = tokenize_fact(fact, adapter.tokenizer)
    used = (*found.clean_ids, *found.corrupt_ids, found.answer_id, found.counterfactual_id)
    adapter.as_tokens([used])
    return found
