"""Steering: add a direction, and see what the model says.

Adding activations: Turner et al. 2023 (arXiv 2308.10248). What is measured is the log-odds of
abstaining, the logit of the best abstaining token minus that of the best other token: text that was
generated shows too little of what moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import RESID_PRE, Site, parse_kind
from pytest_interp.adapters.taps import Edit
from pytest_interp.experiments.features import encoded
from pytest_interp.experiments.intervening import (
    Steering,
    answered_rightly,
    check_direction,
    measured,
    passes,
    with_random,
)
from pytest_interp.experiments.layers import layers_of
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.prompts import encode
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.direction import Direction
from pytest_interp.results.steering import SteerResult


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
    check_direction(adapter, prompts, direction)
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
    odds, top, held = measured(adapter, prompts, ids, steering, len(ways), only_last, what, read)
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
        right=answered_rightly(adapter, prompts, top[0]),
        neutral_kl=kl[0],
        random_neutral_kl=kl[1:],
        provenance=adapter.provenance(chosen.seed),
    )


def _ways(direction: Direction, options: SteerOptions, adapter: ModelAdapter) -> Tensor:
    """What is added [(1 + random) * dose, d_model], doses within a direction."""
    vectors = torch.tensor(
        with_random([direction], options)[:, 0], dtype=torch.float32, device=adapter.device
    )
    doses = torch.tensor(options.all_doses, device=adapter.device)
    return (vectors[:, None] * doses[:, None]).flatten(0, 1)


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
    for members, run in passes(adapter, ids, steering, n_ways, only_last):
        log_p = run.logits[:, -1].float().log_softmax(-1).view(n_ways, len(members), -1)
        base = log_p[still]
        total += (base.exp() * (base - log_p)).sum(-1).clamp_min(0).sum(-1).cpu().numpy()
    return total / max(1, len(ids))
