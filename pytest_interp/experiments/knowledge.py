"""Which facts does a model know?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import PromptError
from pytest_interp.experiments.batching import by_length
from pytest_interp.experiments.tokens import tokenized
from pytest_interp.facts.known import why_unknown
from pytest_interp.facts.prompts import TokenizedFact, str_tokens
from pytest_interp.facts.sets import Fact, FactSet
from pytest_interp.options.metrics import LOGIT_DIFF

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
    top_token: str | None = None
    """What the model says after the clean prompt; None where its top token is not one."""
    problem: str | None = None
    """Why the pair cannot be used with this tokenizer."""

    @property
    def reason(self) -> str | None:
        """Why the model does not know the fact; None where it does.

        By the rule that claims ask of their traces: :func:`~pytest_interp.facts.known.why_unknown`.
        """
        if self.clean is None or self.corrupt is None:
            return self.problem
        return why_unknown(self.fact.prompt, self.clean, self.corrupt)

    @property
    def known(self) -> bool:
        """Whether the model knows the fact."""
        return self.reason is None


def known_facts(adapter: ModelAdapter, facts: FactSet) -> tuple[Knowledge, ...]:
    """How the model answers every fact, in their order.

    A pair that the tokenizer splits unevenly, an answer that is not one token, or a token that the
    model lacks is reported as a problem of that fact and not raised.
    """
    usable: list[tuple[int, TokenizedFact]] = []
    found: dict[int, Knowledge] = {}
    for i, fact in enumerate(facts):
        try:
            usable.append((i, tokenized(adapter, fact.prompt)))
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
        # not "logits > own", in which a NaN would rank below all others
        ranks = (~(logits <= own)).sum(1).tolist()
        top = logits.topk(2)
        leads = (top.values[:, 0] - top.values[:, 1]).tolist()
        for row, (i, _) in enumerate(batch):
            first = 2 * row
            clean, corrupt = differences[first : first + 2]
            text = str_tokens(adapter.tokenizer, top.indices[first, :1].tolist())[0]
            said = text if 0 < leads[first] < math.inf else None
            found[i] = Knowledge(facts.facts[i], clean, corrupt, int(ranks[first]), said)
        progress.report(f"asking {adapter.name} for facts", len(found), len(facts))
    return tuple(found[i] for i in range(len(facts)))
