"""Ablation of directions: project them out, and see what the model says.

Projecting a direction out of all that is written to the residual stream: Arditi et al. 2024 (arXiv
2406.11717). What is measured is the log-odds of abstaining, as in steering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import ATTN_OUT, EMBED, MLP_OUT, RESID_POST, Site
from pytest_interp.adapters.taps import Edit
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.intervening import (
    Ways,
    answered_rightly,
    check_direction,
    measured,
    with_random,
)
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.direction import Direction
from pytest_interp.results.steering import AblationResult

DEPENDENT = 1e-6
"""Least singular value of directions of length 1, below which one of them is a sum of others."""


def ablate_direction(
    adapter: ModelAdapter,
    prompts: PromptSet,
    direction: Direction | Sequence[Direction],
    options: SteerOptions | None = None,
    **asked: Any,
) -> AblationResult:
    """Project a direction out of the embeddings and of all that every block writes.

    The residual stream then never holds any of it. Of several directions the whole span is
    projected out: what is carried twice is still there if one of them goes. As many random
    directions are projected out in the same way. Positions are all by default; ``last`` is cheaper,
    and leaves the directions at the tokens before. Doses and layers do not count.

    Args:
        adapter: the model under a backend.
        prompts: prompts of two classes, with the abstaining tokens named.
        direction: what is projected out: one, or several at once.
        options: positions and random directions.
        asked: single options by name, in place of those of ``options``.

    Raises:
        PromptError: no abstaining token is named, or one of them, or an answer, is not one token.
        ExperimentError: there is no direction, one is a sum of the others, or one has another width
            or was found in other weights, or was fitted on groups of these prompts.
    """
    chosen = replace(options or SteerOptions(positions="all"), **asked)
    directions = (direction,) if isinstance(direction, Direction) else tuple(direction)
    if not directions:
        raise ExperimentError("no direction is given: give at least one", about="direction")
    for one in directions:
        check_direction(adapter, prompts, one)
    spans = _spans(with_random(directions, chosen))
    # the first way is the run as it is
    bases = np.concatenate([np.zeros_like(spans[:1]), spans])
    out = torch.tensor(bases, dtype=torch.float32, device=adapter.device)

    kinds = [ATTN_OUT, MLP_OUT]
    if adapter.layout.adds_more:
        kinds.append(RESID_POST)  # where it has been added
    written = [Site(kind, layer) for layer in range(adapter.n_layers) for kind in kinds]

    def projecting(n: int) -> dict[Site, Edit]:
        away = out.repeat_interleave(n, 0)

        def project(x: Tensor) -> Tensor:
            span = away.to(x)
            free = x - (x @ span.mT) @ span
            return free if chosen.positions == "all" else torch.cat([x[:, :-1], free[:, -1:]], 1)

        return dict.fromkeys([Site(EMBED), *written], project)

    what = f"projecting {' and '.join(one.origin for one in directions)} out of {adapter.name}"
    ways = Ways(len(out), projecting, Site(EMBED), chosen.positions == "last")
    found = measured(adapter, prompts, ways, what)
    odds = found.log_odds
    return AblationResult(
        name=prompts.name,
        options=chosen,
        direction=" and ".join(map(str, directions)),
        classes=prompts.pair(),
        ids=tuple(prompt.id for prompt in prompts),
        labels=prompts.labels,
        groups=prompts.groups,
        templates=prompts.templates,
        before=odds[0],
        after=odds[1],
        random_after=odds[2:],
        right=answered_rightly(adapter, prompts, found.top[:2]),
        provenance=adapter.provenance(chosen.seed),
    )


def _spans(vectors: Floats) -> Floats:
    """Orthonormal bases of the spans [way, direction, d_model].

    Raises:
        ExperimentError: a direction is a sum of the others, so that its part would be left to
            rounding.
    """
    units = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    _, sizes, bases = np.linalg.svd(units, full_matrices=False)
    if sizes.min() < DEPENDENT:
        raise ExperimentError(
            f"the {vectors.shape[1]} directions are not independent: one is a sum of the others, "
            "or the same again. Leave it out",
            about="direction",
        )
    return bases
