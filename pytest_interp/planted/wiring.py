"""Compile a mechanism into matrices, as if every norm had unit gain and no bias. No torch here.

All readers of the residual stream read it after a norm, which divides by the number of features
there. Signs and thresholds are therefore relative to the constant feature that every token carries.
Whatever is written is scaled by the norm that the mechanism itself predicts at that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pytest_interp.planted.features import Array, Basis
from pytest_interp.planted.mechanism import Cell, Course, Features, Mechanism, Mover, Rule

SCORE = 30.0
"""Attention scores of a working head are about +-this: the softmax is 1 and 0 in float32."""
STEEPNESS = 80.0
"""Slope of a rule's step: a quarter of it clears the soft part of GELU and of SiLU."""
DISTRACTION = 0.2
"""About the norm of all that the distractors write, next to features of norm 1."""
FLAGS = ("constant", "last", "subject_first", "subject_last")
"""What distractors read besides junk."""
TOKEN_JUNK, PRIVATE_JUNK, POSITION_JUNK = 0.3, 0.005, 0.1


@dataclass(frozen=True)
class Shape:
    """Sizes of a model, and what its blocks are made of."""

    d_model: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    d_mlp: int
    gated: bool
    """The MLP multiplies an activated gate by a second projection."""
    qk_norm: bool
    """Queries and keys are normalised per head, so that only their direction counts."""

    @property
    def score_dim(self) -> int:
        """The head dimension in which working heads match: the slowest of a rotary embedding."""
        return self.head_dim // 2 - 1

    def sharers(self, head: int) -> range:
        """The query heads that use the same keys and values as ``head``, itself included."""
        size = self.n_heads // self.n_kv_heads
        return range(head // size * size, (head // size + 1) * size)


@dataclass(frozen=True)
class Block:
    """Matrices of one layer; everything maps a normalised residual, or into the residual."""

    query: Array  # [n_heads, head_dim, d_model]
    key: Array  # [n_kv_heads, head_dim, d_model]
    value: Array  # [n_kv_heads, head_dim, d_model]
    output: Array  # [n_heads, d_model, head_dim]
    gate: Array  # [d_mlp, d_model]
    up: Array  # [d_mlp, d_model]; used by gated MLPs alone
    down: Array  # [d_model, d_mlp]
    works: bool
    """A head of this layer belongs to the mechanism."""


@dataclass(frozen=True)
class Matrices:
    """A whole model."""

    shape: Shape
    embedding: Array  # [vocabulary, d_model]
    positions: Array  # [n_positions, d_model]; for learned position embeddings
    blocks: tuple[Block, ...]
    unembedding: Array  # [vocabulary, d_model]
    quiet: Array
    """``[n_quiet, d_model]``: directions that nothing reads, for biases."""


def compile_mechanism(
    mechanism: Mechanism,
    basis: Basis,
    shape: Shape,
    vocabulary: Sequence[str],
    example: Sequence[str],
    n_positions: int,
    rng: np.random.Generator,
) -> Matrices:
    """Matrices of a mechanism and of distractors around it.

    ``example`` is a prompt whose fact is known. Its features give the norms at each place.
    """
    run = mechanism.run(example)
    last = len(example) - 1
    final = run.cells[Cell("resid_post", mechanism.n_layers - 1, last)]
    return Matrices(
        shape=shape,
        embedding=_embedding(mechanism, basis, vocabulary, rng),
        positions=POSITION_JUNK * _unit_rows(rng, n_positions, basis.junk),
        blocks=tuple(
            _block(mechanism, basis, shape, layer, run, rng) for layer in range(shape.n_layers)
        ),
        unembedding=_unembedding(mechanism, basis, vocabulary, _scale(final, shape), rng),
        quiet=basis.quiet,
    )


def _scale(features: Features, shape: Shape) -> float:
    """Factor by which a norm multiplies a token that carries these features."""
    return float(np.sqrt(shape.d_model / len(features)))


def _unit_rows(rng: np.random.Generator, n: int, directions: Array) -> Array:
    rows = rng.normal(size=(n, len(directions)))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True) @ directions)


def _embedding(
    mechanism: Mechanism, basis: Basis, vocabulary: Sequence[str], rng: np.random.Generator
) -> Array:
    # Subjects share all but a little of their junk. A corruption then reaches the distractors too,
    # yet changes no norm by more than the stated accuracy of the truth.
    table = PRIVATE_JUNK * _unit_rows(rng, len(vocabulary), basis.private_junk)
    common = TOKEN_JUNK * _unit_rows(rng, 2, basis.junk)
    other = TOKEN_JUNK * _unit_rows(rng, len(vocabulary), basis.junk)
    for i, word in enumerate(vocabulary):
        features = mechanism.words.get(word, frozenset({"constant"}))
        table[i] += basis.sum(features)
        if "subject_last" in features:
            table[i] += common[0]
        elif "subject_first" in features:
            table[i] += common[1]
        else:
            table[i] += other[i]
    return table


def _unembedding(
    mechanism: Mechanism,
    basis: Basis,
    vocabulary: Sequence[str],
    scale: float,
    rng: np.random.Generator,
) -> Array:
    table = 0.1 * _unit_rows(rng, len(vocabulary), basis.junk)
    for i, word in enumerate(vocabulary):
        if reads := mechanism.readout.get(word):
            table[i] = sum(w * basis.directions[f] for f, w in reads.items()) / scale
    return table


def _block(
    mechanism: Mechanism,
    basis: Basis,
    shape: Shape,
    layer: int,
    run: Course,
    rng: np.random.Generator,
) -> Block:
    block = _distractors(basis, shape, rng)
    movers = [m for m in mechanism.movers if m.layer == layer]
    for mover in movers:
        _wire_mover(block, mover, basis, shape, run)
    neuron = 0
    for rule in (r for r in mechanism.rules if r.layer == layer):
        _wire_rule(block, neuron, rule, basis, shape, run)
        neuron += 2
    return replace(block, works=bool(movers))


def _distractors(basis: Basis, shape: Shape, rng: np.random.Generator) -> Block:
    """A layer that reads flags and junk and writes junk."""
    flags = [f for f in FLAGS if f in basis.directions]
    reads = np.concatenate([basis.rows(flags), basis.junk, basis.private_junk])
    each = DISTRACTION / np.sqrt(2 * shape.n_layers * len(basis.junk))

    def reader(*size: int) -> Array:
        # what is read is about 1: a normalised residual has norm sqrt(d_model)
        return np.asarray(rng.normal(size=(*size, len(reads))) @ reads / np.sqrt(shape.d_model))

    def writer(n: int, *size: int) -> Array:
        weights = rng.normal(size=(*size, len(basis.junk))) @ basis.junk
        return np.asarray(each / np.sqrt(n) * weights)

    s = shape
    out = writer(s.n_heads * s.head_dim, s.n_heads, s.head_dim).transpose(0, 2, 1)
    return Block(
        query=reader(s.n_heads, s.head_dim),
        key=reader(s.n_kv_heads, s.head_dim),
        value=reader(s.n_kv_heads, s.head_dim),
        output=out.copy(),
        gate=reader(s.d_mlp),
        up=reader(s.d_mlp),
        down=writer(s.d_mlp, s.d_mlp).T.copy(),
        works=False,
    )


def _wire_mover(block: Block, mover: Mover, basis: Basis, shape: Shape, run: Course) -> None:
    head, kv = mover.head, mover.head * shape.n_kv_heads // shape.n_heads
    source = _first_with(mover.key, run, "resid_pre", mover.layer)
    # +-(2 flag - constant): the sign holds at any norm, and the score at the key is negative for
    # tokens without the query flag, so that they need no other token to attend to
    size = np.sqrt(SCORE * np.sqrt(shape.head_dim)) / _scale(source, shape)
    constant = basis.directions["constant"]
    query = 2 * basis.directions[mover.query] - constant
    for feature in mover.unless:
        query = query - 2 * basis.directions[feature]
    block.query[head] = 0
    block.key[kv] = 0
    block.query[head, shape.score_dim] = size * query
    block.key[kv, shape.score_dim] = size * (2 * basis.directions[mover.key] - constant)
    sources, targets = list(mover.moves), list(mover.moves.values())
    block.value[kv] = 0
    block.value[kv, : len(sources)] = basis.rows(sources)
    for sharer in shape.sharers(head):  # they would move the same values in their own way
        block.output[sharer] = 0
    block.output[head, :, : len(targets)] = basis.rows(targets).T / _scale(source, shape)


def _wire_rule(
    block: Block, neuron: int, rule: Rule, basis: Basis, shape: Shape, run: Course
) -> None:
    """A step made of two neurons: one rises at the threshold, one cancels its further rise."""
    scale = _scale(_first_with(rule.at, run, "resid_mid", rule.layer), shape)
    flag, constant = basis.directions[rule.at], basis.directions["constant"]
    # the flag outweighs all that is read, so that no neuron fires at other tokens
    weight = len(rule.reads)
    total = basis.sum(rule.reads) + weight * flag
    slope = STEEPNESS / scale
    up = flag if shape.gated else np.zeros_like(flag)
    for i, (margin, sign) in enumerate(((0.75, 1.0), (0.5, -1.0))):
        threshold = weight + rule.at_least - margin
        block.gate[neuron + i] = slope * (total - threshold * constant)
        block.up[neuron + i] = up
        height = slope * scale * 0.25 * (scale if shape.gated else 1.0)
        block.down[:, neuron + i] = sign * basis.directions[rule.writes] / height


def _first_with(flag: str, run: Course, site: str, layer: int) -> Features:
    """The features of the first token that carries a flag."""
    cells = run.cells.items()
    return next(f for c, f in cells if (c.site, c.layer) == (site, layer) and flag in f)
