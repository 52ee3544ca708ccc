"""Attention heads of a mechanism, as matrices. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pytest_interp.planted.blocks import CLOCK_SIZE, Block, Shape, first_with, scale_of
from pytest_interp.planted.features import CLOCK, Array, Basis
from pytest_interp.planted.mechanism import Course, Mover

SCORE = 30.0
"""Attention scores of a working head are about +-this: the softmax is 1 and 0 in float32."""
FAR_SCORE = 240.0
"""The same where one key must be told from others like it."""


def scores_of(movers: Sequence[Mover], shape: Shape) -> Mapping[int, float]:
    """Head dimension -> score, of the dimensions in which the heads of one layer match."""
    scores: dict[int, float] = {}
    for mover in movers:
        if mover.matches:
            scores |= dict.fromkeys(_match_dims(mover, shape), FAR_SCORE)
        elif mover.recent:  # a norm per head halves what each of two equal dimensions counts
            scores |= {shape.score_dim: 2 * FAR_SCORE, shape.recency_dim: 2 * FAR_SCORE}
        else:
            scores[shape.score_dim] = SCORE
    return scores


def wire_mover(block: Block, mover: Mover, basis: Basis, shape: Shape, run: Course) -> None:
    """Write a head that does what the mover says, in place of a distractor."""
    head, kv = mover.head, mover.head * shape.n_kv_heads // shape.n_heads
    source = scale_of(first_with(mover.key, run, "resid_pre", mover.layer), shape)
    score = FAR_SCORE if mover.matches or mover.recent else SCORE
    size = np.sqrt(score * np.sqrt(shape.head_dim)) / source
    query, key = np.zeros_like(block.query[head]), np.zeros_like(block.key[kv])
    if mover.matches:
        _match_features(query, key, mover, basis, shape)
    else:
        _match_flags(query, key, mover, basis, shape)
    if mover.recent:
        _match_clocks(query, key, basis, shape)
    block.query[head], block.key[kv] = size * query, size * key
    sources, targets = list(mover.moves), list(mover.moves.values())
    block.value[kv] = 0
    block.value[kv, : len(sources)] = basis.rows(sources)
    for sharer in shape.sharers(head):  # they would move the same values in their own way
        block.output[sharer] = 0
    block.output[head, :, : len(targets)] = basis.rows(targets).T / source
    if mover.otherwise in sources:
        other = scale_of(first_with(mover.otherwise, run, "resid_pre", mover.layer), shape)
        block.output[head, :, sources.index(mover.otherwise)] *= source / other


def _match_flags(query: Array, key: Array, mover: Mover, basis: Basis, shape: Shape) -> None:
    # +-(2 flag - constant): the sign holds at any norm, and the score at the key is negative for
    # tokens without the query flag, so that they need no other token to attend to
    constant = basis.directions["constant"]
    asks = 2 * basis.directions[mover.query] - constant
    for feature in mover.unless:
        asks = asks - 2 * basis.directions[feature]
    query[shape.score_dim] = asks
    key[shape.score_dim] = 2 * basis.directions[mover.key] - constant


def _match_clocks(query: Array, key: Array, basis: Basis, shape: Shape) -> None:
    # the score is cos(CLOCK_SPEED * distance): by the rotary embedding, which turns both, or by
    # what learned position embeddings say of the two positions. One of the two is not there.
    dim = shape.recency_dim
    if shape.rotary:
        query[dim] = key[dim] = basis.directions["constant"]
    else:
        query[[dim, dim + 1]] = key[[dim, dim + 1]] = basis.rows(CLOCK) / CLOCK_SIZE


def _match_dims(mover: Mover, shape: Shape) -> tuple[int, ...]:
    return shape.match_dims[: 1 + len(mover.matches)]


def _match_features(query: Array, key: Array, mover: Mover, basis: Basis, shape: Shape) -> None:
    # One dimension for each pair that may match, and one that prefers what is read otherwise: a
    # match scores 1 1/8, the others 1/2, a key without a match 1/8. Tokens without the query flag
    # shun both.
    first, *rest = _match_dims(mover, shape)
    query[first] = basis.directions[mover.query] - 0.5 * basis.directions["constant"]
    key[first] = 0.25 * basis.directions[mover.key]
    if mover.otherwise:
        key[first] += basis.directions[mover.otherwise]
    query[rest] = basis.rows(tuple(mover.matches))
    key[rest] = basis.rows(tuple(mover.matches.values()))
