"""Pairs of runs: one is patched, and the other is where patches come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.facts.prompts import TokenizedFact
from pytest_interp.options.corruptions import Corruption
from pytest_interp.options.trace import Direction


@dataclass(frozen=True)
class Pairs:
    """Pairs of runs of one length, patched side by side: row i of each belongs to pair i."""

    source: Tensor | None
    """Ids of the runs that patches come from [pair, pos]; None where they come from elsewhere."""
    base: Tensor
    """Ids of the runs that are patched [pair, pos]."""
    answers: Tensor
    """Ids of the answers [pair]."""
    counterfactuals: Tensor
    """Ids of the counterfactual answers [pair]."""
    source_noise: Tensor | None = None
    """Added to the embeddings of the source runs [pair, pos, d_model]."""
    base_noise: Tensor | None = None
    """Added to the embeddings of the base runs [pair, pos, d_model]."""

    def __len__(self) -> int:
        return self.base.shape[0]

    @property
    def n_positions(self) -> int:
        """Tokens of each run."""
        return self.base.shape[1]

    @property
    def first_difference(self) -> int:
        """The first position at which any source differs from its base: noise counts.

        The number of positions where none does.
        """
        differ = torch.zeros(self.n_positions, dtype=torch.bool, device=self.base.device)
        if self.source is not None:
            differ |= (self.source != self.base).any(0)
        for noise in (self.source_noise, self.base_noise):
            if noise is not None:
                differ |= (noise != 0).any(-1).any(0).to(differ.device)
        found = differ.nonzero()
        return int(found[0]) if len(found) else self.n_positions

    def split(self, size: int) -> Iterator[tuple[slice, Pairs]]:
        """Parts of at most ``size`` pairs, and which pairs they are."""
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            part: dict[str, Any] = {k: v if v is None else v[rows] for k, v in vars(self).items()}
            yield rows, Pairs(**part)


def pairs_of(
    adapter: ModelAdapter,
    facts: Sequence[TokenizedFact],
    corruption: Corruption,
    direction: Direction,
) -> Pairs:
    """The runs of facts of one token length, each fact repeated for every sample of the corruption.

    Raises:
        PromptError: a fact lacks what the corruption needs.
    """

    def repeated(read: Callable[[TokenizedFact], Any]) -> Tensor:
        values = [read(fact) for fact in facts]
        made = torch.as_tensor(values, dtype=torch.long, device=adapter.device)
        return made.repeat_interleave(corruption.n_samples, 0)

    clean, corrupt = repeated(lambda fact: fact.clean_ids), repeated(corruption.ids)
    answers = repeated(lambda fact: fact.answer_id)
    others = repeated(lambda fact: fact.counterfactual_id)
    drawn = [corruption.noise(fact, adapter) for fact in facts]
    there = [one for one in drawn if one is not None]
    noise = torch.cat(there).to(adapter.device) if there else None
    if direction == "denoise":
        return Pairs(clean, corrupt, answers, others, base_noise=noise)
    return Pairs(corrupt, clean, answers, others, source_noise=noise)
