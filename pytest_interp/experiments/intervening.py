"""What steering and projecting out share: what is refused, random directions, and the passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.passes import Run
from pytest_interp.adapters.sites import Site
from pytest_interp.adapters.taps import Edit
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments.features import abstaining_ids, abstaining_margin
from pytest_interp.experiments.sweep import by_length, rows_in_budget
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.direction import Direction

Measured = tuple[Floats, Floats, Floats]
"""Log-odds of abstaining, and the most likely token, of each way and prompt [way, prompt]; what a
site that was read holds at the last token as it is [prompt, d_model]."""
Steering = Callable[[int], dict[Site, Edit]]
"""Edits of a pass with this many prompts, which make a group of rows of each way to steer."""


def check_direction(adapter: ModelAdapter, prompts: PromptSet, direction: Direction) -> None:
    """Raise unless a direction can be tried on these prompts under this model.

    Raises:
        PromptError: there are not two classes, or no abstaining answer.
        ExperimentError: the direction has another width or was found in other weights, or it was
            fitted on groups of these prompts.
    """
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


def with_random(directions: Sequence[Direction], options: SteerOptions) -> Floats:
    """The directions, and random ones of their lengths [1 + random, direction, d_model]."""
    given = np.stack([one.vector for one in directions])
    rng = np.random.default_rng(options.seed)
    drawn = rng.normal(size=(options.random, *given.shape))
    lengths = np.linalg.norm(given, axis=-1, keepdims=True)
    drawn *= lengths / np.linalg.norm(drawn, axis=-1, keepdims=True)
    return np.concatenate([given[None], drawn])


def measured(
    adapter: ModelAdapter,
    prompts: PromptSet,
    ids: Sequence[Sequence[int]],
    steering: Steering,
    n_ways: int,
    only_last: bool,
    what: str,
    read: tuple[Site, int] | None = None,
) -> Measured:
    """What the model says on every prompt in every way.

    ``what`` stands in the progress; ``read`` is a site, and the way that leaves it as it is.
    """
    abstaining = abstaining_ids(adapter, prompts)
    odds, top = np.empty((n_ways, len(prompts))), np.empty((n_ways, len(prompts)))
    held = np.full((len(prompts), adapter.d_model), np.nan)
    done = 0
    for members, run in passes(adapter, ids, steering, n_ways, only_last, read and read[0]):
        logits = run.logits[:, -1].float()
        if read is not None:
            states = run[read[0]][:, -1]
            if len(states) > len(members):  # below what is steered, the ways share their rows
                states = states.unflatten(0, (n_ways, -1))[read[1]]
            held[members] = states.float().cpu().numpy()
        margins = abstaining_margin(logits, abstaining)
        odds[:, members] = margins.view(n_ways, -1).cpu().numpy()
        top[:, members] = logits.argmax(-1).view(n_ways, -1).cpu().numpy()
        done += len(members)
        progress.report(what, done, len(prompts))
    return odds, top, held


def passes(
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


def answered_rightly(adapter: ModelAdapter, prompts: PromptSet, top: Floats) -> Floats:
    """1 where the top token is the answer, else 0; NaN where there is no answer [way, prompt]."""
    answers = np.array(
        [np.nan if p.answer is None else adapter.answer_id(p.answer) for p in prompts], dtype=float
    )
    return np.where(np.isnan(answers), np.nan, (top == answers).astype(float))
