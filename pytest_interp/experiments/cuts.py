"""How an experiment on a set of facts is cut into parts that are computed apart.

A part is what one machine computes together, too: the facts that share their passes. The rows of a
pass are therefore the same wherever the part is computed, and so is every number.

Those that read or patch each fact by itself are cut: ``trace_facts``, ``trace_heads``,
``trace_joint``, ``lens_facts`` and ``direct_logit_attribution``. In others a number depends on more
facts than those of one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.experiments.attribution import direct_logit_attribution, together as attributed
from pytest_interp.experiments.batching import TRACED, by_length
from pytest_interp.experiments.control_runs import cheap_controls
from pytest_interp.experiments.heads import head_runs, trace_heads
from pytest_interp.experiments.joint import joint_runs, trace_joint
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.lens import lens_facts, together as read_by_lens
from pytest_interp.experiments.patch_runs import PatchRuns
from pytest_interp.experiments.tokens import tokenized
from pytest_interp.experiments.tracing import trace_facts
from pytest_interp.facts.sets import FactSet

Members = Sequence[int]
"""The places of the facts of a part in their set."""
Asked = Mapping[str, Any]
"""The arguments of an experiment by name, without the adapter."""


@dataclass(frozen=True)
class Cut:
    """Parts of one experiment, and what is left to do when all of them are there."""

    parts: Callable[[ModelAdapter, Asked], Iterable[Members]]
    """All facts, each in one part."""
    controlled: Callable[[ModelAdapter, Asked, Any], Any] | None = None
    """The whole result with its controls, which read all facts. None where there are none."""


def _traced(adapter: ModelAdapter, asked: Asked) -> Iterable[Members]:
    read = [tokenized(adapter, prompt) for prompt in asked["facts"].prompts]
    return by_length(list(map(len, read)), lambda _: TRACED)


def _read(adapter: ModelAdapter, asked: Asked) -> Iterable[Members]:
    facts: FactSet = asked["facts"]
    for prompt in facts.prompts:
        adapter.answer_id(prompt.answer)
    lengths = [len(adapter.str_tokens(prompt.clean_prompt)) for prompt in facts.prompts]
    return read_by_lens(adapter, lengths, len(layers_of(adapter, asked.get("layers"))))


def _attributed(adapter: ModelAdapter, asked: Asked) -> Iterable[Members]:
    return attributed(adapter, [len(tokenized(adapter, one)) for one in asked["facts"].prompts])


def _patched(runs: Callable[..., PatchRuns]) -> Cut:
    def runs_of(adapter: ModelAdapter, asked: Asked) -> PatchRuns:
        return runs(adapter, **{name: v for name, v in asked.items() if name != "controls"})

    return Cut(
        lambda adapter, asked: runs_of(adapter, asked).together(),
        lambda adapter, asked, whole: whole.with_controls(*runs_of(adapter, asked).controls(whole)),
    )


CUTS: dict[Callable[..., Any], Cut] = {
    trace_facts: Cut(_traced, lambda adapter, _, whole: cheap_controls(adapter, whole)),
    trace_heads: _patched(head_runs),
    trace_joint: _patched(joint_runs),
    lens_facts: Cut(_read),
    direct_logit_attribution: Cut(_attributed),
}


def cut_of(experiment: Callable[..., Any], asked: Asked) -> Cut | None:
    """How an experiment is cut; None where it is not, or where its facts are no set of several."""
    facts = asked.get("facts")
    return CUTS.get(experiment) if isinstance(facts, FactSet) and len(facts) > 1 else None
