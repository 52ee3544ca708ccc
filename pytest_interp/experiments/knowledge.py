"""Which facts does a model know?"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import PromptError
from pytest_interp.experiments.sweep import by_length
from pytest_interp.facts.prompts import TokenizedFact, tokenize_fact
from pytest_interp.facts.sets import Fact, FactSet
from pytest_interp.options.metrics import LOGIT_DIFF

MIN_DIFFERENCE = 0.5
"""Logits by which each prompt must prefer its own answer: their gap is then at least 1."""
ROWS = 32
"""Facts that one pass asks for."""


@dataclass(frozen=True)
class Knowledge:
    """How a model answers one fact."""

    fact: Fact
    clean: float | None = None
    """Logit of the answer minus that of the counterfactual, after the clean prompt."""
    corrupt: float | None = None
    """The same after the corrupt prompt: negative where the model knows that one too."""
    rank: int | None = None
    """Rank of the answer after the clean prompt; 0 is the top token."""
    problem: str | None = None
    """Why the pair cannot be used with this tokenizer."""

    @property
    def known(self) -> bool:
        """The clean prompt prefers the answer and the corrupt one the counterfactual."""
        return (self.clean or 0) >= MIN_DIFFERENCE and (self.corrupt or 0) <= -MIN_DIFFERENCE


def known_facts(adapter: ModelAdapter, facts: FactSet) -> tuple[Knowledge, ...]:
    """How the model answers every fact, in their order.

    A pair that the tokenizer splits unevenly, or an answer that is not one token, is reported as
    a problem of that fact and not raised.
    """
    usable: list[tuple[int, TokenizedFact]] = []
    found: dict[int, Knowledge] = {}
    for i, fact in enumerate(facts):
        try:
            usable.append((i, tokenize_fact(fact.prompt, adapter.tokenizer)))
        except PromptError as problem:
            found[i] = Knowledge(fact, problem=str(problem))
    for members in by_length([len(pair) for _, pair in usable], lambda _: ROWS):
        batch = [usable[member] for member in members]
        rows = [ids for _, pair in batch for ids in (pair.clean_ids, pair.corrupt_ids)]
        logits = adapter.run(rows).logits[:, -1].float()
        asked = [(pair.answer_id, pair.counterfactual_id) for _, pair in batch]
        answers, others = torch.tensor(asked, device=logits.device).repeat_interleave(2, 0).T
        differences = LOGIT_DIFF(logits, answers, others).tolist()
        own = logits.gather(1, answers[:, None])
        ranks = (logits > own).sum(1).tolist()
        for row, (i, _) in enumerate(batch):
            clean, corrupt = differences[2 * row : 2 * row + 2]
            found[i] = Knowledge(facts.facts[i], clean, corrupt, int(ranks[2 * row]))
        progress.report(f"asking {adapter.name} for facts", len(found), len(facts))
    return tuple(found[i] for i in range(len(facts)))
