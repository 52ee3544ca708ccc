"""What steering and projecting out share: what is refused, random directions, and the passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site, parse_kind
from pytest_interp.adapters.taps import Edit
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments.batching import rows_in_budget
from pytest_interp.experiments.features import abstaining_ids, abstaining_margin, encoded
from pytest_interp.experiments.openings import batches
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.facts.prompts import encode
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.direction import Direction

VECTORS = "[row, pos, d_model]"
"""The shape of a site whose activations are vectors of the residual stream."""


@dataclass(frozen=True)
class Ways:
    """Ways to change a pass, of which the first leaves it as it is."""

    n: int
    edits: Callable[[int], dict[Site, Edit]]
    """Edits of a pass with this many prompts, of which there is a group of rows for each way."""
    rows_join: Site
    """Where the groups may join: before that all ways are the same."""
    only_last: bool
    """Whether they change the last token alone."""
    seen: Site | None = None
    """A place whose activation at the last token is kept, as the first way leaves it."""


@dataclass(frozen=True)
class Measured:
    """What came of each way and prompt."""

    log_odds: Floats
    """Of abstaining [way, prompt]."""
    top: Floats
    """Id of the most likely token [way, prompt]."""
    seen: Floats
    """[prompt, d_model]; empty where no place was named."""


def check_direction(adapter: ModelAdapter, prompts: PromptSet, direction: Direction) -> None:
    """Raise unless a direction can be tried on these prompts under this model.

    Raises:
        PromptError: there are not two classes, or no abstaining answer.
        ExperimentError: the direction has another width, was found at a site without such vectors
            or in other weights, or was fitted on some of these prompts, or on their groups.
    """
    prompts.pair()
    if not prompts.abstain:
        raise PromptError(
            f"the prompt set {prompts.name!r} names no abstaining answer, and steering is measured "
            'by it: give abstain=(" unknown",)',
            about="abstain",
        )
    if (kind := parse_kind(direction.site)).shape != VECTORS or not kind.in_blocks:
        raise ExperimentError(
            f"the direction was found at {kind}, which holds {kind.shape}: it can be added only "
            "where a vector of the residual stream is, as at resid_post, attn_out or mlp_out",
            about="direction",
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
    if again := [prompt.id for prompt in prompts if prompt.text in direction.texts]:
        raise ExperimentError(
            f"the direction was fitted on {len(again)} of these prompts, as {again[0]!r}, which "
            "are said to be of other groups here. Fit it on some prompts and try it on others: "
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


def measured(adapter: ModelAdapter, prompts: PromptSet, ways: Ways, what: str) -> Measured:
    """Run every prompt in every way.

    Raises:
        PromptError: an abstaining answer is not one token, or the tokenizer has no chat template.
    """
    abstaining = abstaining_ids(adapter, prompts)
    odds, top = np.empty((ways.n, len(prompts))), np.empty((ways.n, len(prompts)))
    seen = np.empty((len(prompts) if ways.seen else 0, adapter.d_model))
    done = 0
    for members, logits, kept in _passes(adapter, encoded(adapter, prompts), ways):
        margins = abstaining_margin(logits, abstaining)
        odds[:, members] = margins.view(ways.n, -1).cpu().numpy()
        top[:, members] = logits.argmax(-1).view(ways.n, -1).cpu().numpy()
        if kept is not None:
            seen[members] = kept.float().cpu().numpy()
        done += len(members)
        progress.report(what, done, len(prompts))
    return Measured(odds, top, seen)


def divergences(adapter: ModelAdapter, texts: Sequence[str], ways: Ways) -> Floats:
    """Mean divergence of the next token of texts from the run as it is [way].

    Kullback-Leibler, in nats, from the run as it is to the changed one.
    """
    ids = [tuple(encode(adapter.tokenizer, text)) for text in texts]
    total = np.zeros(ways.n)
    for members, logits, _ in _passes(adapter, ids, ways):
        log_p = logits.log_softmax(-1).view(ways.n, len(members), -1)
        base = log_p[0]
        total += (base.exp() * (base - log_p)).sum(-1).clamp_min(0).sum(-1).cpu().numpy()
    return total / max(1, len(ids))


def answered_rightly(adapter: ModelAdapter, prompts: PromptSet, top: Floats) -> Floats:
    """1 where the top token is the answer, else 0; NaN where there is no answer [way, prompt]."""
    answers = np.array(
        [np.nan if p.answer is None else adapter.answer_id(p.answer) for p in prompts], dtype=float
    )
    return np.where(np.isnan(answers), np.nan, (top == answers).astype(float))


def _passes(
    adapter: ModelAdapter, ids: Sequence[tuple[int, ...]], ways: Ways
) -> Iterator[tuple[list[int], Tensor, Tensor | None]]:
    """Batches of prompts: their indices, logits [way * prompt, vocab], what is seen [prompt, d]."""

    def fitting(length: int) -> int:
        return max(1, rows_in_budget(adapter, length) // ways.n)

    first_changed = [len(row) - 1 if ways.only_last else 0 for row in ids]
    for batch in batches(adapter, ids, first_changed, fitting):
        n, tokens, prefix = len(batch.members), batch.tokens, batch.prefix
        if ways.only_last and tokens.shape[1] > 1 and not adapter.layout.no_prefix:
            # nothing before the last token changes: its keys and values are made once
            prefix, tokens = adapter.prefix(tokens[:, :-1], prefix), tokens[:, -1:]
        capture = [ways.seen] if ways.seen else []
        edits = ways.edits(n)
        if adapter.layout.one_batch:
            tokens = tokens.repeat(ways.n, 1)
        else:
            edits = _joined(edits, ways)
        run = adapter.run(tokens, capture, edits=edits, prefix=prefix)
        seen = run[ways.seen][:n, -1] if ways.seen else None
        yield batch.members, run.logits[:, -1].float(), seen


def _joined(edits: dict[Site, Edit], ways: Ways) -> dict[Site, Edit]:
    """The edits, behind one that makes a group of rows for each way."""
    change = edits.get(ways.rows_join)

    def grow(x: Tensor) -> Tensor:
        rows = x.repeat(ways.n, 1, 1)
        return rows if change is None else change(rows)

    return edits | {ways.rows_join: grow}
