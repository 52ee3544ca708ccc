"""Attention knocked out between tokens: does the answer need what these read from those?

Geva et al. 2023 (arXiv 2304.14767): the scores from some tokens to others are set to minus infinity
before the softmax, in a window of layers. Here the probabilities after it are set to zero and the
others are scaled to sum to 1 again, which is the same: what is left of a softmax without some of
its terms is the softmax of the others. Where all of the attention was on what is cut, to the last
digit, nothing is left to scale, and the metric is not a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.components import Component
from pytest_interp.adapters.sites import PATTERN, Site
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.ablated import identity
from pytest_interp.experiments.ablations import Measurements
from pytest_interp.experiments.groups import Group, groups_of
from pytest_interp.experiments.growing import Rows
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.other_keys import other_keys
from pytest_interp.experiments.parts import Part, Patch
from pytest_interp.experiments.spreading import spreads
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.ablation import check_counts, check_random
from pytest_interp.options.metrics import LOGIT_DIFF, Metric, metric_of
from pytest_interp.results.ablations import Ablations
from pytest_interp.results.over_facts import as_set


@dataclass(frozen=True)
class Cut(Part):
    """A part of a pattern in which some keys are cut."""

    cut: tuple[int, ...] = ()


@spreads
def knock_out_attention(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    from_: str | int,
    to: str | int,
    *,
    layers: Iterable[int] | None = None,
    window: int | None = None,
    metric: Metric | str = LOGIT_DIFF,
    random: int = 5,
    seed: int = 0,
) -> Ablations:
    """Measure every clean prompt with the attention from some tokens to others cut, in all heads.

    Beside it, as many other tokens are cut from the same ones in the same layers, for claims to
    compare with.

    Args:
        adapter: the model under a backend.
        facts: one prompt or a set.
        from_: the tokens that look: ``last``, ``subject``, ``subject_last``, ``between``, ``all``,
            the text of a token, or an index.
        to: the tokens that are looked at, in the same words.
        layers: layers in which it is cut; all by default.
        window: cut it in this many layers around each of ``layers`` in turn, which gives a number
            for each; without it in all of ``layers`` at once.
        metric: what is measured after the prompts.
        random: draws of other tokens, as a control; 0 for none. Where a prompt has fewer that
            differ, as many as it has.
        seed: of these draws.

    Returns:
        Ablations by the layers in which it is cut, as ``layers 3 to 7``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: a prompt has no such token, no token of ``to`` comes as early as one of
            ``from_``, a token could look at nothing any more, there is no such layer, or an option
            makes no sense.
        UnknownNameError: an unknown metric.
    """
    asked, chosen = as_set(facts), layers_of(adapter, layers)
    cuts = _cuts(adapter, chosen, window)
    over = knock_out_groups(
        adapter, facts, from_, to, layers=chosen, metric=metric, random=random, seed=seed
    )
    found, n = Measurements(adapter, asked, over.metric), over.n_draws
    measured = np.empty((len(asked), 1 + n, len(cuts)))
    for group, (queries, keys), others in zip(over.groups, over.edges, over.drawn, strict=True):
        patches: list[Patch] = [
            tuple(Cut(Site(PATTERN, layer), queries, cut=cut) for layer in span)
            for cut in (tuple(keys), *others[:n])
            for span in cuts.values()
        ]
        rows = found.of(group, patches, [_without])
        measured[list(group.members)] = rows.reshape(-1, 1 + n, len(cuts))
    how = {"ablation": "attention knocked out", "from": from_, "to": to, "window": window}
    made = Ablations(
        what=tuple(cuts),
        members=tuple(
            tuple(str(Component(PATTERN.name, layer)) for layer in span) for span in cuts.values()
        ),
        ablated=measured[:, 0],
        other_tokens=measured[:, 1:].swapaxes(1, 2),
        how=how,
        **found.common(seed),
    )
    return over.finished(made)


Keys = tuple[int, ...]
"""Positions of tokens that are looked at."""


@dataclass(frozen=True)
class KnockedOut:
    """Facts by group, and what is cut in each."""

    groups: tuple[Group, ...]
    layers: tuple[int, ...]
    metric: Metric
    edges: tuple[tuple[tuple[int, ...], list[int]], ...]
    """Of each group, the tokens that look and those that are looked at."""
    drawn: tuple[tuple[Keys, ...], ...]
    """Of each group, what is cut in place of these."""
    random: int
    """How many draws were asked for."""

    @property
    def n_draws(self) -> int:
        """Every fact has as many draws: those of the group that has the fewest."""
        return min(map(len, self.drawn))

    def apart(self, group: Group) -> dict[str, Any]:
        """Arguments with which a group is measured alone as it is among the others."""
        return {"random": self.n_draws}

    def finished(self, whole: Ablations) -> Ablations:
        """The result of all groups, with its control and why it has no more draws."""
        everything = tuple(Part(Site(PATTERN, layer)) for layer in self.layers)
        (short, *_) = (g for g, o in zip(self.groups, self.drawn, strict=True)
                       if len(o) == self.n_draws)  # fmt: skip
        said = f"{short.facts[0].fact.clean_prompt!r} has not as many other tokens"
        return replace(
            whole,
            controls=(identity(self.groups[0], everything, self.metric, whole),),
            no_other_tokens=said if self.random else "random=0",
        )


def knock_out_groups(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    from_: str | int,
    to: str | int,
    *,
    layers: Iterable[int] | None = None,
    window: int | None = None,
    metric: Metric | str = LOGIT_DIFF,
    random: int = 5,
    seed: int = 0,
) -> KnockedOut:
    """The groups that :func:`knock_out_attention` measures together, with the same arguments."""
    check_counts(seed=(seed, 0))
    check_random(random)
    groups = groups_of(adapter, as_set(facts), from_, to)
    edges = tuple(_edges(group, from_, to) for group in groups)
    drawn = [
        # by the group alone: other facts change nothing of what is drawn for these
        other_keys(*one, random, np.random.default_rng([seed, group.length, *one[0], *one[1]]))
        for group, one in zip(groups, edges, strict=True)
    ]
    chosen = layers_of(adapter, layers)
    return KnockedOut(groups, chosen, metric_of(metric), edges, tuple(drawn), random)


def _without(part: Part, rows: Rows) -> Tensor:
    """The pattern without what is cut, scaled to sum to 1 again."""
    assert isinstance(part, Cut)
    left = rows.own.clone()
    left[..., list(part.cut)] = 0
    return left / left.sum(-1, keepdim=True)


def _cuts(
    adapter: ModelAdapter, layers: Sequence[int], window: int | None
) -> dict[str, tuple[int, ...]]:
    """By name, the layers that are cut together."""
    if window is None:
        return {_named(layers): tuple(layers)}
    if window < 1:
        raise ExperimentError(f"window={window}: give at least one layer", about="window")
    spans = [
        tuple(range(max(0, layer - window // 2), min(adapter.n_layers, layer + (window + 1) // 2)))
        for layer in layers
    ]
    return {_named(span): span for span in spans}


def _named(layers: Sequence[int]) -> str:
    first, last = layers[0], layers[-1]
    if len(layers) == 1:
        return f"layer {first}"
    if len(layers) == last - first + 1:
        return f"layers {first} to {last}"
    return f"layers {', '.join(map(str, layers))}"


def _edges(group: Group, from_: str | int, to: str | int) -> tuple[tuple[int, ...], list[int]]:
    """The tokens of a group that look, and those that they look at.

    Raises:
        ExperimentError: none of them can see one of the others, or one sees nothing else.
    """
    every = tuple(range(group.length))
    queries, keys = (every if one is None else one for one in group.places)
    prompt = group.facts[0].fact.clean_prompt
    if min(keys) > max(queries):
        raise ExperimentError(
            f"in {prompt!r} {to!r} comes after {from_!r}, and no token attends to a later one: "
            "exchange the two",
            about="to",
        )
    for query in queries:
        if set(range(query + 1)) <= set(keys):
            raise ExperimentError(
                f"in {prompt!r} nothing is left that token {query} ({from_!r}) could look at "
                f"without {to!r}: cut less",
                about="to",
            )
    return queries, list(keys)
