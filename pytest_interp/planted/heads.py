"""Attention heads of a mechanism, as matrices. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pytest_interp.planted.blocks import (
    CLOCK_SIZE,
    CLOCK_SPEED,
    FAST_SPEED,
    Block,
    Shape,
    first_with,
    scale_of,
)
from pytest_interp.planted.features import CLOCK, FAST_CLOCK, Basis
from pytest_interp.planted.mechanism import Course, Mover

SCORE = 30.0
"""Attention scores of a working head are about +-this: the softmax is 1 and 0 in float32."""
FAR_SCORE = 240.0
"""The same where one key must be told from others like it."""
SHARP_SCORE = 1000.0
"""The same where keys differ by a tenth of what makes up their scores."""
SLOW_SPEED = 0.06
"""About how fast the slower of the two clocks of a rotary embedding turns that tell how far back a
token is. The two together do not come around within a prompt."""

Reading = Mapping[int, Mapping[str, float]]
"""Head dimension -> feature -> how much of it is read there."""


@dataclass(frozen=True)
class Matching:
    """What queries and keys of a head read. Where they agree, they score about ``score``."""

    query: Reading
    key: Reading
    score: float
    score_if_normed: float
    """The same where queries and keys are normalised per head, which tells directions alone."""


class Clock(NamedTuple):
    """What queries and keys read of their positions."""

    query: Reading
    key: Reading


def matching(mover: Mover, shape: Shape) -> Matching:
    """By what a head finds the token that it reads."""
    if mover.back is not None:
        return _at_distance(mover.back, shape)
    if mover.weighs:
        return _best_match(mover, shape)
    if mover.matches:
        return _only_match(mover, shape)
    query, key = _flags(mover, shape.score_dim)
    if not mover.recent:
        return Matching(query, key, SCORE, SCORE)
    clock = _clock(shape, shape.recency_dim, CLOCK, CLOCK_SPEED)
    # a norm per head halves what each of two equal dimensions counts
    query, key = {**query, **clock.query}, {**key, **clock.key}
    return Matching(query, key, FAR_SCORE, 2 * FAR_SCORE)


def dims_needed(mover: Mover) -> int:
    """Width of a head that has room for what a mover matches and moves."""
    matched = len(_matched(mover)) + 1
    if mover.weighs:  # a rotary embedding must not turn what is matched, however far away
        matched = math.ceil(1.5 * matched)
    return max(len(mover.moves), matched)


def scores_of(movers: Sequence[Mover], shape: Shape) -> Mapping[int, float]:
    """Head dimension -> score, of the dimensions in which the heads of one layer match."""
    scores: dict[int, float] = {}
    for found in (matching(mover, shape) for mover in movers):
        scores |= dict.fromkeys((*found.query, *found.key), found.score_if_normed)
    return scores


def wire_mover(block: Block, mover: Mover, basis: Basis, shape: Shape, run: Course) -> None:
    """Write a head that does what the mover says, in place of a distractor."""
    head, kv = mover.head, mover.head * shape.n_kv_heads // shape.n_heads
    found, source = matching(mover, shape), source_scale(mover, shape, run)
    size = match_size(mover, shape, run)
    for matrix, reading in ((block.query[head], found.query), (block.key[kv], found.key)):
        matrix[:] = 0
        for dim, weights in reading.items():
            matrix[dim] = size * basis.combine(weights)
    sources, targets = list(mover.moves), list(mover.moves.values())
    block.value[kv] = 0
    block.value[kv, : len(sources)] = basis.rows(sources)
    for sharer in shape.sharers(head):  # they would move the same values in their own way
        block.output[sharer] = 0
    block.output[head, :, : len(targets)] = basis.rows(targets).T / source
    if mover.otherwise in sources:
        other = scale_of(first_with(mover.otherwise, run, "resid_pre", mover.layer), shape)
        block.output[head, :, sources.index(mover.otherwise)] *= source / other


def source_scale(mover: Mover, shape: Shape, run: Course) -> float:
    """Factor by which the norm multiplies the tokens that a head reads."""
    return scale_of(first_with(mover.key, run, "resid_pre", mover.layer), shape)


def match_size(mover: Mover, shape: Shape, run: Course) -> float:
    """How large queries and keys are written, so that agreement scores as stated."""
    read = asks = source_scale(mover, shape, run)
    if mover.weighs:  # the token that asks may carry far more than those that it reads
        asks = scale_of(first_with(mover.query, run, "resid_pre", mover.layer), shape)
    return float(np.sqrt(matching(mover, shape).score * np.sqrt(shape.head_dim) / (read * asks)))


def _flags(mover: Mover, dim: int) -> tuple[Reading, Reading]:
    # +-(2 flag - constant): the sign holds at any norm, and the score at the key is negative for
    # tokens without the query flag, so that they need no other token to attend to
    shunned = dict.fromkeys(mover.unless, -2.0)
    query = {dim: {mover.query: 2.0, "constant": -1.0} | shunned}
    return query, {dim: {mover.key: 2.0, "constant": -1.0}}


def _clock(
    shape: Shape, dim: int, hands: Sequence[str], speed: float, back: int = 0, size: float = 1.0
) -> Clock:
    # the score is size^2 * cos(speed * (distance - back)): by the rotary embedding, which turns
    # both, or by what learned position embeddings say of the positions. One of the two is not there
    if shape.rotary:
        speed = shape.speed_of(dim)
        cos, sin = (size * f(speed * back) for f in (math.cos, math.sin))
        partner = dim + shape.head_dim // 2
        turned = {dim: {"constant": cos}} | ({partner: {"constant": -sin}} if back else {})
        return Clock(turned, {dim: {"constant": size}})
    cos, sin = (size / CLOCK_SIZE * f(speed * back) for f in (math.cos, math.sin))
    ahead, aside = hands
    turned = {dim: {ahead: cos, aside: sin}, dim + 1: {aside: cos, ahead: -sin}}
    plain = {dim: {ahead: size / CLOCK_SIZE}, dim + 1: {aside: size / CLOCK_SIZE}}
    return Clock(turned if back else plain, plain)


def _at_distance(back: int, shape: Shape) -> Matching:
    slow, fast = shape.clock_dim(SLOW_SPEED), shape.clock_dim(FAST_SPEED)
    if not shape.rotary:
        slow, fast = 0, 2
    one = _clock(shape, slow, CLOCK, CLOCK_SPEED, back)
    other = _clock(shape, fast, FAST_CLOCK, FAST_SPEED, back)
    query, key = {**one.query, **other.query}, {**one.key, **other.key}
    return Matching(query, key, SHARP_SCORE, SHARP_SCORE)


def match_dims(mover: Mover, shape: Shape) -> tuple[int, ...]:
    """The head dimension of the flags, then one for each feature of the reading token."""
    return shape.match_dims[: 1 + len(_matched(mover))]


def _matched(mover: Mover) -> tuple[str, ...]:
    """The features of the reading token by which a key is chosen."""
    return tuple(dict.fromkeys((*mover.matches, *(asked for asked, _ in mover.weighs))))


def _only_match(mover: Mover, shape: Shape) -> Matching:
    # One dimension for each pair that may match, and one that prefers what is read otherwise: a
    # match scores 1 1/8, the others 1/2, a key without a match 1/8. Tokens without the query flag
    # shun both.
    first, *rest = match_dims(mover, shape)
    others = {mover.otherwise: 1.0} if mover.otherwise else {}
    query = {first: {mover.query: 1.0, "constant": -0.5}}
    key = {first: {mover.key: 0.25} | others}
    query |= {dim: {feature: 1.0} for dim, feature in zip(rest, mover.matches, strict=True)}
    key |= {dim: {feature: 1.0} for dim, feature in zip(rest, mover.matches.values(), strict=True)}
    return Matching(query, key, FAR_SCORE, FAR_SCORE)


def _best_match(mover: Mover, shape: Shape) -> Matching:
    # a key scores 1 and what its pairs count; of equals the clock decides, which counts half.
    # Tokens without the key flag score 2 less.
    first, *rest = match_dims(mover, shape)
    query, key = map(dict, _flags(mover, first))
    for dim, asked in zip(rest, _matched(mover), strict=True):
        query[dim] = {asked: 1.0}
        key[dim] = {found: weight for (a, found), weight in mover.weighs.items() if a == asked}
    if mover.recent or mover.early:
        size = math.sqrt(0.5)
        clock = _clock(shape, shape.recency_dim, CLOCK, CLOCK_SPEED, size=size)
        against = _clock(shape, shape.recency_dim, CLOCK, CLOCK_SPEED, size=-size)
        query, key = {**query, **clock.query}, {**key, **(against if mover.early else clock).key}
    return Matching(query, key, SHARP_SCORE, SHARP_SCORE)
