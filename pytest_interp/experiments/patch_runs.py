"""Patches of the runs of facts, and their cheap controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments.batching import TRACED
from pytest_interp.experiments.control_runs import (
    IDENTITY,
    UNRELATED,
    UNRELATED_LIMIT,
    UNRELATED_PAIR,
)
from pytest_interp.experiments.groups import Positions, as_floats, of_metric, positions_in
from pytest_interp.experiments.pairs import Pairs, pairs_of
from pytest_interp.experiments.parts import Patch
from pytest_interp.experiments.patches import patched
from pytest_interp.experiments.tokens import all_tokenized, tokenized
from pytest_interp.facts.prompts import TokenizedFact
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.metrics import LOGIT_DIFF
from pytest_interp.options.trace import TraceOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.control import Control
from pytest_interp.results.patchings import Patchings
from pytest_interp.results.tolerances import float_tolerance

Where = Callable[[str | int], Positions]
"""From a position as claims write it to the tokens of one prompt."""
PatchesOf = Callable[[Where], Sequence[Patch]]
"""The patches of a prompt, in an order that is the same for all."""
MOST_IN_CONTROLS = 24
"""So many patches, spread evenly over all, are repeated for a control."""


@dataclass(frozen=True)
class PatchRuns:
    """Runs of facts with patches that are the same but for where tokens are."""

    adapter: ModelAdapter
    facts: FactSet
    options: TraceOptions
    patches_of: PatchesOf
    what: str
    max_rows: int | None = None

    @cached_property
    def asked(self) -> TraceOptions:
        """The options, with a seed where the corruption needs one."""
        return replace(self.options, corruption=self.options.corruption.seeded(0))

    @cached_property
    def read(self) -> list[TokenizedFact]:
        """The facts as tokens."""
        return all_tokenized(self.adapter, self.facts.prompts)

    def together(self) -> Iterator[list[int]]:
        """Indices of the facts that share their passes: of one length, with the same patches."""
        groups: dict[tuple[int, tuple[Patch, ...]], list[int]] = {}
        for i, fact in enumerate(self.read):
            groups.setdefault((len(fact), self._patches(fact)), []).append(i)
        for members in groups.values():
            yield from (members[start : start + TRACED] for start in range(0, len(members), TRACED))

    def results(self) -> dict[str, Any]:
        """The fields that every result of patching has."""
        corruption, metric = self.asked.corruption, self.asked.metric
        runs = np.empty((2, len(self.read), 2))
        values = np.empty((len(self.read), len(self._patches(self.read[0]))))
        for members in self.together():
            patches = self._patches(self.read[members[0]])
            pairs = self._pairs([self.read[i] for i in members])
            found = patched(
                self.adapter,
                pairs,
                patches,
                of_metric(metric),
                max_rows=self.max_rows,
                what=self.what,
            )
            assert found.source is not None
            both = [found.source, found.base]
            for run, one in zip(runs, both if self._denoises else both[::-1], strict=True):
                run[members] = _mean(as_floats(one), corruption.n_samples)
            moved = as_floats(found.patched)[..., 0].T
            values[members] = _mean(moved, corruption.n_samples)
        return {
            "facts": self.facts,
            "options": self.asked,
            "metric": metric,
            "clean": runs[0, :, 0],
            "corrupt": runs[1, :, 0],
            "preferences": None if metric == LOGIT_DIFF else runs[:, :, 1],
            "patched": values,
            "provenance": self.adapter.provenance(getattr(corruption, "seed", None)),
        }

    def controls(self, found: Patchings) -> tuple[Control, ...]:
        """Identity patch and unrelated pair, as for traces."""
        rounding = float_tolerance(str(self.adapter.dtype).removeprefix("torch.")).atol
        runs = (
            (IDENTITY, rounding, self._identity),
            (UNRELATED_PAIR, UNRELATED_LIMIT, self._unrelated),
        )
        made = []
        for name, limit, run in runs:
            try:
                known = [i for i, why in enumerate(found.unknown_because()) if why is None]
                if not known:
                    raise ExperimentError(f"{self.adapter.name} knows none of the facts")
                value, note = run(known, found.gap)
                made.append(Control(name, value, limit, note))
            except (ExperimentError, PromptError) as problem:
                made.append(Control(name, None, limit, str(problem)))
        return tuple(made)

    def _identity(self, known: list[int], gaps: Floats) -> tuple[float, str]:
        """The largest change where a run is patched into itself, as a share of the gap."""
        fact = self.read[known[0]]
        pair = self._pairs([fact])
        itself = Pairs(pair.base[:1], pair.base[:1], pair.answers[:1], pair.counterfactuals[:1])
        few = _few(self._patches(fact))
        n_shared = min(pair.first_difference, pair.n_positions - 1)
        swept = patched(self.adapter, itself, few, self.asked.metric, n_shared=n_shared)
        change = (swept.patched - swept.base).abs().max().item() / abs(float(gaps[known[0]]))
        return change, "a run patched into itself"

    def _unrelated(self, known: list[int], gaps: Floats) -> tuple[float, str]:
        """The largest change of the facts' answers in prompts that have nothing to do with them."""
        facts, metric = [self.read[i] for i in known], self.asked.metric
        ids = [(fact.answer_id, fact.counterfactual_id) for fact in facts]

        def of_every_fact(logits: Tensor, *_: Tensor) -> Tensor:
            rows = torch.tensor(ids, device=logits.device)[..., None].expand(-1, -1, len(logits))
            return torch.stack([metric(logits, *two) for two in rows.unbind(0)], dim=-1)

        texts, pair = self._fitting(facts[0])
        one, other = (
            self.adapter.as_tokens([pair.clean_ids]),
            self.adapter.as_tokens([pair.corrupt_ids]),
        )
        source, base = (one, other) if self._denoises else (other, one)
        few = _few(self._patches(pair))
        swept = patched(
            self.adapter, Pairs(source, base, base[:, 0], base[:, 0]), few, of_every_fact
        )
        change = (swept.patched - swept.base).abs().amax(0).double().mean().item()
        note = f"{texts[0]!r} against {texts[1]!r}"
        return change / float(np.abs(gaps[known]).mean()), note

    def _fitting(self, fact: TokenizedFact) -> tuple[tuple[str, str], TokenizedFact]:
        """The first unrelated pair that fits the tokenizer and has the positions asked for."""
        problem: Exception = ExperimentError("there is no unrelated pair")
        for texts in UNRELATED:
            prompt = replace(
                fact.fact, clean_prompt=texts[0], corrupt_prompt=texts[1], subject=None
            )
            try:
                pair = tokenized(self.adapter, prompt)
                self._patches(pair)
            except (PromptError, ExperimentError) as error:
                problem = error
                continue
            return texts, pair
        raise ExperimentError(f"no unrelated pair of prompts can be used: {problem}")

    @property
    def _denoises(self) -> bool:
        return self.options.direction == "denoise"

    def _patches(self, fact: TokenizedFact) -> tuple[Patch, ...]:
        return tuple(self.patches_of(lambda position: positions_in(fact, position)))

    def _pairs(self, facts: Sequence[TokenizedFact]) -> Pairs:
        return pairs_of(self.adapter, facts, self.asked.corruption, self.asked.direction)


def _few(patches: Sequence[Patch]) -> Sequence[Patch]:
    step = -(-len(patches) // MOST_IN_CONTROLS)
    return patches[step - 1 :: step] or patches


def _mean(values: Floats, samples: int) -> Floats:
    """Means over the samples of a corruption, which lie side by side along the first axis."""
    return np.asarray(values.reshape(-1, samples, *values.shape[1:]).mean(1))
