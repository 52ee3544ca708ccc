"""How an experiment on a set of facts is cut into parts that are computed apart.

A part is what one machine computes together, too: the facts that share their passes. The rows of a
pass are therefore the same wherever the part is computed, and so is every number.

Of a result each fact has its own numbers, and those of a part are the ones that the whole has. What
takes all facts, as controls do, is computed when all parts are there, in the same way as for facts
that were never apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.experiments.ablated import Ablated
from pytest_interp.experiments.ablations import ablate, ablation_groups
from pytest_interp.experiments.attention import attention_patterns
from pytest_interp.experiments.attribution import direct_logit_attribution, together as attributed
from pytest_interp.experiments.batching import TRACED, by_length
from pytest_interp.experiments.circuits import circuit, circuit_groups
from pytest_interp.experiments.control_runs import cheap_controls
from pytest_interp.experiments.heads import head_runs, trace_heads
from pytest_interp.experiments.joint import joint_runs, trace_joint
from pytest_interp.experiments.knockout import (
    KnockedOut,
    knock_out_attention,
    knock_out_groups,
)
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.lens import lens_facts, together as read_by_lens
from pytest_interp.experiments.patch_runs import PatchRuns
from pytest_interp.experiments.paths import path_patching, paths_together, with_unchanged
from pytest_interp.experiments.tokens import all_tokenized
from pytest_interp.experiments.tracing import trace_facts
from pytest_interp.facts.sets import FactSet

Asked = Mapping[str, Any]
"""The arguments of an experiment by name, without the adapter."""


@dataclass(frozen=True)
class Piece:
    """One part of a set."""

    members: tuple[int, ...]
    """The places of its facts in the set."""
    asked: dict[str, Any]
    """What the experiment is asked for these facts alone."""


@dataclass(frozen=True)
class Cut:
    """Parts of one experiment, and what is left to do when all of them are there."""

    pieces: Callable[[ModelAdapter, Asked], Iterable[Piece]]
    """All facts, each in one part."""
    finished: Callable[[ModelAdapter, Asked, Any], Any] | None = None
    """The whole result with what takes all facts, as controls do. None where there is nothing."""


def _by(together: Callable[[ModelAdapter, Asked], Iterable[Sequence[int]]], **apart: Any) -> Any:
    """Parts by the facts that share passes; ``apart`` is what is asked of each part instead."""

    def pieces(adapter: ModelAdapter, asked: Asked) -> Iterable[Piece]:
        for members in together(adapter, asked):
            yield _piece(asked, members, apart)

    return pieces


def _piece(asked: Asked, members: Sequence[int], apart: Asked) -> Piece:
    over = next(iter(asked))
    return Piece(tuple(members), {**asked, over: asked[over].pick(members), **apart})


def _traced(adapter: ModelAdapter, asked: Asked) -> Iterable[Sequence[int]]:
    read = all_tokenized(adapter, asked["facts"].prompts)
    return by_length(list(map(len, read)), lambda _: TRACED)


def _read(adapter: ModelAdapter, asked: Asked) -> Iterable[Sequence[int]]:
    facts: FactSet = asked["facts"]
    for prompt in facts.prompts:
        adapter.answer_id(prompt.answer)
    lengths = [len(adapter.str_tokens(prompt.clean_prompt)) for prompt in facts.prompts]
    return read_by_lens(adapter, lengths, len(layers_of(adapter, asked.get("layers"))))


def _attributed(adapter: ModelAdapter, asked: Asked) -> Iterable[Sequence[int]]:
    return attributed(adapter, [len(one) for one in all_tokenized(adapter, asked["facts"].prompts)])


def _looked_at(adapter: ModelAdapter, asked: Asked) -> Iterable[Sequence[int]]:
    # not by pass: patterns and answers are read in passes of their own, of one length
    read = [len(one) for one in all_tokenized(adapter, asked["prompts"].prompts)]
    return by_length(read, lambda _: len(read))


def _patched(runs: Callable[..., PatchRuns]) -> Cut:
    def runs_of(adapter: ModelAdapter, asked: Asked) -> PatchRuns:
        return runs(adapter, **{name: v for name, v in asked.items() if name != "controls"})

    return Cut(
        _by(lambda adapter, asked: runs_of(adapter, asked).together(), controls=False),
        lambda adapter, asked, whole: whole.with_controls(*runs_of(adapter, asked).controls(whole)),
    )


def _grouped(groups_of: Callable[..., Ablated | KnockedOut]) -> Cut:
    def pieces(adapter: ModelAdapter, asked: Asked) -> Iterable[Piece]:
        over = groups_of(adapter, **asked)
        return [_piece(asked, group.members, over.apart(group)) for group in over.groups]

    return Cut(pieces, lambda adapter, asked, whole: groups_of(adapter, **asked).finished(whole))


CUTS: dict[Callable[..., Any], Cut] = {
    trace_facts: Cut(
        _by(_traced, controls=False), lambda adapter, _, whole: cheap_controls(adapter, whole)
    ),
    trace_heads: _patched(head_runs),
    trace_joint: _patched(joint_runs),
    lens_facts: Cut(_by(_read)),
    direct_logit_attribution: Cut(_by(_attributed)),
    attention_patterns: Cut(_by(_looked_at)),
    ablate: _grouped(ablation_groups),
    knock_out_attention: _grouped(knock_out_groups),
    circuit: _grouped(circuit_groups),
    path_patching: Cut(
        _by(lambda adapter, asked: paths_together(adapter, **asked)),
        lambda adapter, _, whole: with_unchanged(adapter, whole),
    ),
}


def cut_of(experiment: Callable[..., Any], asked: Asked) -> Cut | None:
    """How an experiment is cut; None where it is not, or where its facts are no set of several.

    Args:
        experiment: as it is called.
        asked: its arguments, of which the first are the facts.
    """
    facts, cut = next(iter(asked.values()), None), CUTS.get(experiment)
    if cut is None or not isinstance(facts, FactSet) or len(facts) < 2:
        return None
    return cut if asked.get("controls", True) else replace(cut, finished=None)
