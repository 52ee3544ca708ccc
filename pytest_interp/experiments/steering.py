"""Steering: add a direction, and see what the model says.

Adding activations: Turner et al. 2023 (arXiv 2308.10248). What is measured is the log-odds of
abstaining, the logit of the best abstaining token minus that of the best other token: text that was
generated shows too little of what moves. It may be shown beside the numbers.
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
from pytest_interp.experiments.generation import continued
from pytest_interp.experiments.intervening import (
    Ways,
    answered_rightly,
    check_direction,
    divergences,
    measured,
    with_random,
)
from pytest_interp.experiments.layers import layers_of
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.continued import Continued
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

    With ``texts`` the result also shows what the model goes on to say at each dose: the direction
    is then added at the last token of the prompt and at every new one (``all``: at every token).
    These texts are no part of what a baseline compares: two tokens that are nearly as likely
    change places by rounding, and everything after them is another text.

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
    vectors = _added(direction, chosen, adapter)
    kind = parse_kind(direction.site)

    def edits_of(n: int) -> dict[Site, Edit]:
        added = vectors.repeat_interleave(n, 0)[:, None]

        def add(x: Tensor) -> Tensor:
            shifted = added.to(x)
            if chosen.positions == "all":
                return x + shifted
            return torch.cat([x[:, :-1], x[:, -1:] + shifted], dim=1)

        return {Site(kind, layer): add for layer in layers}

    first = Site(kind if kind.rows_join else RESID_PRE, layers[0])
    read = Site(kind, direction.layer)
    ways = Ways(len(vectors), edits_of, first, chosen.positions == "last", read)
    found = measured(adapter, prompts, ways, f"steering {adapter.name} at {direction.site}")
    odds, top = _by_dose(found.log_odds, chosen), _by_dose(found.top, chosen)
    kl = _by_dose(divergences(adapter, chosen.neutral, ways), chosen)
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
        projections=np.asarray(found.seen @ direction.unit),
        log_odds=odds[0],
        random_log_odds=odds[1:],
        right=answered_rightly(adapter, prompts, top[0]),
        neutral_kl=kl[0],
        random_neutral_kl=kl[1:],
        length=direction.norm,
        continued=_texts(adapter, prompts, direction, layers, chosen),
        provenance=adapter.provenance(chosen.seed),
    )


def _texts(
    adapter: ModelAdapter,
    prompts: PromptSet,
    direction: Direction,
    layers: tuple[int, ...],
    options: SteerOptions,
) -> tuple[Continued, ...]:
    """Continuations of the first prompts of each class, at each dose."""
    if not options.texts:
        return ()
    by_class = ([i for i, one in enumerate(prompts.labels) if one == c] for c in prompts.classes)
    shown = prompts.pick([i for members in by_class for i in members[: options.texts]])
    vector = torch.tensor(direction.vector, dtype=torch.float32, device=adapter.device)
    doses = torch.tensor(options.all_doses, dtype=torch.float32, device=adapter.device)
    sites = [Site(parse_kind(direction.site), layer) for layer in layers]
    vectors = doses[:, None] * vector
    return continued(adapter, shown, vectors, sites, options.positions, options.text_tokens)


def _added(direction: Direction, options: SteerOptions, adapter: ModelAdapter) -> Tensor:
    """Nothing, then every dose of the direction and of each random one [way, d_model]."""
    given = with_random([direction], options)[:, 0]
    vectors = torch.tensor(given, dtype=torch.float32, device=adapter.device)
    doses = torch.tensor(options.doses, device=adapter.device)
    by_dose = (vectors[:, None] * doses[:, None]).flatten(0, 1)
    return torch.cat([torch.zeros_like(by_dose[:1]), by_dose])


def _by_dose(of_ways: Floats, options: SteerOptions) -> Floats:
    """Numbers [way, ...] as [direction, dose, ...], with the run as it is at dose 0 of each."""
    n, rest = len(options.doses), of_ways.shape[1:]
    moved = of_ways[1:].reshape(1 + options.random, n, *rest)
    still = np.broadcast_to(of_ways[0], (1 + options.random, 1, *rest))
    at = options.all_doses.index(0.0)
    return np.concatenate([moved[:, :at], still, moved[:, at:]], axis=1)
