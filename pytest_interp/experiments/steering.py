"""Steering: add a direction, or project it out, and see what the model says.

Adding activations: Turner et al. 2023 (arXiv 2308.10248). Projecting a direction out of all that is
written to the residual stream: Arditi et al. 2024 (arXiv 2406.11717). What is measured is the
log-odds of abstaining, the logit of the best abstaining token minus that of the best other token:
text that was generated shows too little of what moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.passes import Run
from pytest_interp.adapters.sites import ATTN_OUT, EMBED, MLP_OUT, RESID_PRE, Site, parse_kind
from pytest_interp.adapters.taps import Edit
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments.features import abstaining_ids, abstaining_margin, encoded
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.sweep import by_length, rows_in_budget
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.prompts import encode
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.direction import Direction
from pytest_interp.results.steering import AblationResult, SteerResult

Measured = tuple[Floats, Floats, Floats]
"""Log-odds of abstaining, and the most likely token, of each way and prompt [way, prompt]; what one
site holds at the last token without steering [prompt, d_model]."""
Steering = Callable[[int], dict[Site, Edit]]
"""Edits of a pass with this many prompts, which make a group of rows of each way to steer."""


def steer(
    adapter: ModelAdapter,
    prompts: PromptSet,
    direction: Direction,
    options: SteerOptions | None = None,
    **asked: Any,
) -> SteerResult:
    """Add a direction in several doses, and random directions of its length beside it.

    All doses and directions are rows of one growing pass, which begins at the first layer that is
    steered. At the last token alone they also share the keys and values of all tokens before it.

    Args:
        adapter: the model under a backend.
        prompts: prompts of two classes, with the abstaining tokens named.
        direction: what is added.
        options: doses, layers, positions and random directions.
        asked: single options by name, in place of those of ``options``.

    Raises:
        PromptError: no abstaining token is named, or one of them, or an answer, is not one token.
        ExperimentError: the direction has another width or was found in other weights, it was
            fitted on groups of these prompts, or the model lacks a layer.
    """
    chosen = replace(options or SteerOptions(), **asked)
    _check(adapter, prompts, direction)
    layers = layers_of(adapter, (direction.layer,) if chosen.layers is None else chosen.layers)
    ways = _ways(direction, chosen, adapter)
    kind = parse_kind(direction.site)

    def steering(n: int) -> dict[Site, Edit]:
        added = ways.repeat_interleave(n, 0)[:, None]

        def grow(x: Tensor) -> Tensor:
            return x.repeat(len(ways), 1, 1)

        def add(x: Tensor) -> Tensor:
            shifted = added.to(x)
            if chosen.positions == "all":
                return x + shifted
            return torch.cat([x[:, :-1], x[:, -1:] + shifted], dim=1)

        edits: dict[Site, Edit] = {Site(kind, layer): add for layer in layers}
        first = Site(kind, layers[0])
        if kind.rows_join:
            return edits | {first: lambda x: add(grow(x))}
        return {Site(RESID_PRE, layers[0]): grow} | edits

    only_last = chosen.positions == "last"
    what = f"steering {adapter.name} at {direction.site}"
    ids = encoded(adapter, prompts)
    read = Site(kind, direction.layer), chosen.all_doses.index(0.0)
    odds, top, held = _run(adapter, prompts, ids, steering, len(ways), only_last, what, read)
    shape = (1 + chosen.random, len(chosen.all_doses), len(prompts))
    odds, top = odds.reshape(shape), top.reshape(shape)
    kl = _divergences(adapter, chosen, steering, len(ways), only_last).reshape(shape[:2])
    return SteerResult(
        name=prompts.name,
        options=chosen,
        direction=str(direction),
        layers=layers,
        doses=chosen.all_doses,
        classes=prompts.pair(),
        ids=tuple(prompt.id for prompt in prompts),
        labels=prompts.labels,
        groups=prompts.groups,
        templates=prompts.templates,
        projections=held @ direction.unit,
        log_odds=odds[0],
        random_log_odds=odds[1:],
        right=_right(adapter, prompts, top[0]),
        neutral_kl=kl[0],
        random_neutral_kl=kl[1:],
        provenance=adapter.provenance(chosen.seed),
    )


def ablate_direction(
    adapter: ModelAdapter,
    prompts: PromptSet,
    direction: Direction,
    options: SteerOptions | None = None,
    **asked: Any,
) -> AblationResult:
    """Project a direction out of the embeddings and of all that every block writes.

    The residual stream then never holds any of it. Random directions are projected out in the same
    way. Errors and arguments are those of :func:`steer`, but positions are all by default;
    ``last`` is cheaper, and leaves the direction at the tokens before. Doses and layers do not
    count.
    """
    chosen = replace(options or SteerOptions(positions="all"), **asked)
    _check(adapter, prompts, direction)
    ways = _random(direction, chosen, adapter)
    units = torch.cat([torch.zeros_like(ways[:1]), ways])
    units = units / units.norm(dim=-1, keepdim=True).clamp_min(1e-30)

    def steering(n: int) -> dict[Site, Edit]:
        out = units.repeat_interleave(n, 0)[:, None]

        def project(x: Tensor) -> Tensor:
            away = out.to(x)
            free = x - (x * away).sum(-1, keepdim=True) * away
            return free if chosen.positions == "all" else torch.cat([x[:, :-1], free[:, -1:]], 1)

        edits: dict[Site, Edit] = {Site(EMBED): lambda x: project(x.repeat(len(units), 1, 1))}
        for layer in range(adapter.n_layers):
            edits |= {Site(kind, layer): project for kind in (ATTN_OUT, MLP_OUT)}
        return edits

    only_last = chosen.positions == "last"
    what = f"projecting a direction out of {adapter.name}"
    ids = encoded(adapter, prompts)
    odds, top, _ = _run(adapter, prompts, ids, steering, len(units), only_last, what)
    return AblationResult(
        name=prompts.name,
        options=chosen,
        direction=str(direction),
        classes=prompts.pair(),
        ids=tuple(prompt.id for prompt in prompts),
        labels=prompts.labels,
        groups=prompts.groups,
        templates=prompts.templates,
        before=odds[0],
        after=odds[1],
        random_after=odds[2:],
        right=_right(adapter, prompts, top[:2]),
        provenance=adapter.provenance(chosen.seed),
    )


def _check(adapter: ModelAdapter, prompts: PromptSet, direction: Direction) -> None:
    prompts.pair()
    if not prompts.abstain:
        raise PromptError(
            f"the prompt set {prompts.name!r} names no abstaining answer, and steering is measured "
            'by it: give abstain=(" unknown",)',
            about="abstain",
        )
    if direction.vector.shape != (adapter.d_model,):
        raise ExperimentError(
            f"the direction has {len(direction.vector)} numbers, and {adapter.name} is "
            f"{adapter.d_model} wide: it belongs to another model",
            about="direction",
        )
    if direction.fingerprint not in (None, adapter.provenance().fingerprint):
        raise ExperimentError(
            f"the direction was found in other weights than those of {adapter.name}: find it again "
            "in these",
            about="direction",
        )
    if shared := sorted(direction.groups & set(prompts.groups)):
        raise ExperimentError(
            f"the direction was fitted on groups that stand among these prompts: "
            f"{', '.join(shared[:5])}. Fit it on some groups and try it on others: "
            "fitted, tried = prompts.split()",
            about="direction",
        )


def _random(direction: Direction, options: SteerOptions, adapter: ModelAdapter) -> Tensor:
    """The direction, and random ones of its length [1 + random, d_model]."""
    rng = np.random.default_rng(options.seed)
    drawn = rng.normal(size=(options.random, len(direction.vector)))
    drawn *= direction.norm / np.linalg.norm(drawn, axis=1, keepdims=True)
    made = np.concatenate([direction.vector[None], drawn])
    return torch.tensor(made, dtype=torch.float32, device=adapter.device)


def _ways(direction: Direction, options: SteerOptions, adapter: ModelAdapter) -> Tensor:
    """What is added [(1 + random) * dose, d_model], doses within a direction."""
    vectors = _random(direction, options, adapter)
    doses = torch.tensor(options.all_doses, device=adapter.device)
    return (vectors[:, None] * doses[:, None]).flatten(0, 1)


def _run(
    adapter: ModelAdapter,
    prompts: PromptSet,
    ids: Sequence[Sequence[int]],
    steering: Steering,
    n_ways: int,
    only_last: bool,
    what: str,
    read: tuple[Site, int] | None = None,
) -> Measured:
    """Run every way; ``read`` is a site, and the way that leaves it as it is."""
    abstaining = abstaining_ids(adapter, prompts)
    odds, top = np.empty((n_ways, len(prompts))), np.empty((n_ways, len(prompts)))
    held = np.empty((len(prompts), adapter.d_model))
    done = 0
    for members, run in _passes(adapter, ids, steering, n_ways, only_last, read and read[0]):
        logits, n = run.logits[:, -1].float(), len(members)
        if read is not None:
            states = run[read[0]][:, -1]
            # before the first layer that is steered the ways share their rows
            as_it_is = states if len(states) == n else states.unflatten(0, (-1, n))[read[1]]
            held[members] = as_it_is.float().cpu().numpy()
        margins = abstaining_margin(logits, abstaining)
        odds[:, members] = margins.view(n_ways, -1).cpu().numpy()
        top[:, members] = logits.argmax(-1).view(n_ways, -1).cpu().numpy()
        done += len(members)
        progress.report(what, done, len(prompts))
    return odds, top, held


def _passes(
    adapter: ModelAdapter,
    ids: Sequence[Sequence[int]],
    steering: Steering,
    n_ways: int,
    only_last: bool,
    read: Site | None = None,
) -> Iterator[tuple[list[int], Run]]:
    """For batches of prompts: their indices, and their pass, with rows [way * prompt]."""

    def fitting(length: int) -> int:
        return max(1, rows_in_budget(adapter, length) // n_ways)

    for members in by_length(list(map(len, ids)), fitting):
        tokens = adapter.as_tokens([ids[i] for i in members])
        prefix = None
        if only_last and tokens.shape[1] > 1:
            # nothing before the last token changes: its keys and values are made once
            prefix, tokens = adapter.prefix(tokens[:, :-1]), tokens[:, -1:]
        capture = [] if read is None else [read]
        yield members, adapter.run(tokens, capture, steering(len(members)), prefix=prefix)


def _divergences(
    adapter: ModelAdapter,
    options: SteerOptions,
    steering: Steering,
    n_ways: int,
    only_last: bool,
) -> Floats:
    """Mean divergence of the next token of neutral texts from the run without steering [way].

    Kullback-Leibler, in nats, from the unsteered to the steered distribution.
    """
    ids = [encode(adapter.tokenizer, text) for text in options.neutral]
    total, still = np.zeros(n_ways), options.all_doses.index(0.0)
    for members, run in _passes(adapter, ids, steering, n_ways, only_last):
        log_p = run.logits[:, -1].float().log_softmax(-1).view(n_ways, len(members), -1)
        base = log_p[still]
        total += (base.exp() * (base - log_p)).sum(-1).clamp_min(0).sum(-1).cpu().numpy()
    return total / max(1, len(ids))


def _right(adapter: ModelAdapter, prompts: PromptSet, top: Floats) -> Floats:
    """1 where the top token is the answer, else 0; NaN where there is no answer [way, prompt]."""
    answers = np.array(
        [np.nan if p.answer is None else adapter.answer_id(p.answer) for p in prompts], dtype=float
    )
    return np.where(np.isnan(answers), np.nan, (top == answers).astype(float))
