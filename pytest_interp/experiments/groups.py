"""Facts that share their passes: of one length, with what is asked for at the same tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.growing import Values
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.parts import Patch
from pytest_interp.experiments.patches import patched
from pytest_interp.experiments.tokens import all_tokenized
from pytest_interp.facts.prompts import TokenizedFact
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.metrics import LOGIT_DIFF, Metric
from pytest_interp.results.base import Floats

Positions = tuple[int, ...] | None
"""Token positions from the beginning; None for all."""


@dataclass(frozen=True)
class Group:
    """Facts of one length."""

    adapter: ModelAdapter
    members: tuple[int, ...]
    """Their places in the set."""
    facts: tuple[TokenizedFact, ...]
    places: tuple[Positions, ...]
    """For each thing that is asked for the tokens where it is; the same in all of these facts."""

    @property
    def length(self) -> int:
        """Tokens of each prompt."""
        return len(self.facts[0])

    def first(self) -> Group:
        """The first of the facts alone."""
        return replace(self, members=self.members[:1], facts=self.facts[:1])

    @cached_property
    def pairs(self) -> Pairs:
        """The clean prompts, as runs to be patched."""
        return self._pairs([fact.clean_ids for fact in self.facts])

    def _pairs(self, ids: Sequence[Sequence[int]]) -> Pairs:
        asked = [(fact.answer_id, fact.counterfactual_id) for fact in self.facts]
        answers, others = torch.tensor(asked, device=self.adapter.device).T
        return Pairs(None, self.adapter.as_tokens(ids), answers, others)

    def measured(
        self, patches: Sequence[Patch], values: Values, metric: Metric, what: str
    ) -> tuple[Floats, Floats]:
        """The clean runs as they are [fact], and with each patch [patch, fact].

        Each as metric and logit difference in the last dimension.
        """
        found = patched(
            self.adapter, self.pairs, patches, of_metric(metric), values=values, what=what
        )
        return as_floats(found.base), as_floats(found.patched)

    def corrupt(self, metric: Metric) -> Floats | None:
        """The corrupt runs [fact, 2], as for :meth:`measured`; None where there are none."""
        ids = [fact.corrupt_ids for fact in self.facts]
        if not all(ids):
            return None
        return as_floats(patched(self.adapter, self._pairs(ids), [], of_metric(metric), 0.0).base)


def groups_of(adapter: ModelAdapter, facts: FactSet, *positions: str | int) -> tuple[Group, ...]:
    """The facts of a set by their length and by the tokens that positions mean in them.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: a prompt has no such position.
    """
    read = all_tokenized(adapter, facts.prompts)
    found: dict[tuple[int, tuple[Positions, ...]], list[int]] = {}
    for i, fact in enumerate(read):
        key = len(fact), tuple(positions_in(fact, one) for one in positions)
        found.setdefault(key, []).append(i)
    return tuple(
        Group(adapter, tuple(members), tuple(read[i] for i in members), places)
        for (_, places), members in found.items()
    )


def positions_in(fact: TokenizedFact, position: str | int, about: str = "positions") -> Positions:
    """Where a role, the text of a token, or an index is in a prompt.

    Args:
        fact: the prompt, as tokens.
        position: what is looked for.
        about: the argument that named it.

    Raises:
        ExperimentError: the prompt has no such token.
    """
    if position == "all":
        return None
    tokens, n, subject = fact.str_tokens, len(fact), fact.subject_positions
    roles: dict[str | int, tuple[int, ...]] = {
        "first": (0,),
        "last": (n - 1,),
        "subject": subject,
        "subject_first": subject[:1],
        "subject_last": subject[-1:],
        "between": tuple(range(subject[-1] + 1, n - 1)),
    }
    if position in roles:
        found = roles[position]
    elif isinstance(position, int):
        found = (position % n,) if -n <= position < n else ()
    else:
        # a token as it stands, or the word in it
        exact = tuple(i for i, token in enumerate(tokens) if token == position)
        found = exact or tuple(i for i, token in enumerate(tokens) if token.strip() == position)
    if not found:
        raise ExperimentError(
            f"{fact.fact.clean_prompt!r} has no token {position!r}: its tokens are {list(tokens)}. "
            f"Give all, {', '.join(map(str, roles))}, the text of a token, or its index",
            about=about,
        )
    return found


def of_metric(metric: Metric) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A metric beside the logit difference, by which claims ask what a model prefers [row, 2]."""

    def measure(*run: Tensor) -> Tensor:
        return torch.stack([metric(*run), LOGIT_DIFF(*run)], dim=-1)

    return measure


def as_floats(values: Tensor) -> Floats:
    """Numbers off the device, in double precision."""
    return np.asarray(values.double().cpu().numpy())
