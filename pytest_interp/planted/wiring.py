"""Compile a mechanism into matrices, as if every norm had unit gain and no bias. No torch here.

All readers of the residual stream read it after a norm, which divides by the number of features
there. Signs and thresholds are therefore relative to the constant feature that every token carries.
Whatever is written is scaled by the norm that the mechanism itself predicts at that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pytest_interp.planted.blocks import (
    CLOCK_SIZE,
    CLOCK_SPEED,
    FAST_SPEED,
    Block,
    Shape,
    scale_of,
)
from pytest_interp.planted.features import CLOCK, FAST_CLOCK, N_QUIET, Array, Basis
from pytest_interp.planted.heads import scores_of, wire_mover
from pytest_interp.planted.mechanism import Cell, Course, Mechanism
from pytest_interp.planted.neurons import wire_rule

DISTRACTION = 0.2
"""About the norm of all that the distractors write, next to features of norm 1."""
FLAGS = ("constant", "last", "subject_first", "subject_last", "person", "city", "stop")
"""What distractors read besides junk."""
ALIKE = {"subject_last": 0, "subject_first": 1, "word": 0, "option": 1}
"""Flag of words that take one another's place -> which of two kinds of junk they share."""
CLOCKS = {CLOCK: CLOCK_SPEED, FAST_CLOCK: FAST_SPEED}
TOKEN_JUNK, PRIVATE_JUNK, POSITION_JUNK = 0.3, 0.005, 0.1
QUIET_BIAS = 0.05
"""Size of the biases of what writes to the stream, in GPT-2."""


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
        positions=_positions(basis, n_positions, rng),
        blocks=tuple(
            _block(mechanism, basis, shape, layer, run, rng) for layer in range(shape.n_layers)
        ),
        unembedding=_unembedding(mechanism, basis, vocabulary, scale_of(final, shape), rng),
        quiet=basis.quiet,
    )


def ballast(shape: Shape, layer: int) -> float:
    """Squared norm, about, of what a token carries besides features after a layer.

    Junk, and in GPT-2 what positions add to it, and biases. The embedding is layer -1.
    """
    junk = TOKEN_JUNK**2 + DISTRACTION**2 * (layer + 1) / shape.n_layers
    if shape.rotary:
        return junk
    writes = 2 * (layer + 1)  # each with a bias in one of the quiet directions, as drawn
    biases = QUIET_BIAS**2 * (writes + writes * (writes - 1) / N_QUIET)
    return junk + POSITION_JUNK**2 + biases


def _unit_rows(rng: np.random.Generator, n: int, directions: Array) -> Array:
    rows = rng.normal(size=(n, len(directions)))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True) @ directions)


def _embedding(
    mechanism: Mechanism, basis: Basis, vocabulary: Sequence[str], rng: np.random.Generator
) -> Array:
    # Subjects, and words that take one another's place, share all but a little of their junk. A
    # corruption then reaches the distractors too, yet changes no norm by more than the stated
    # accuracy of the truth.
    table = PRIVATE_JUNK * _unit_rows(rng, len(vocabulary), basis.private_junk)
    common = TOKEN_JUNK * _unit_rows(rng, 2, basis.junk)
    other = TOKEN_JUNK * _unit_rows(rng, len(vocabulary), basis.junk)
    for i, word in enumerate(vocabulary):
        features = mechanism.words.get(word, frozenset({"constant"}))
        table[i] += basis.sum(features)
        shared = [junk for flag, junk in ALIKE.items() if flag in features]
        if shared:
            table[i] += common[shared[0]]
        else:
            table[i] += other[i]
    return table


def _positions(basis: Basis, n: int, rng: np.random.Generator) -> Array:
    table = POSITION_JUNK * _unit_rows(rng, n, basis.junk)
    for hands, speed in CLOCKS.items():
        if hands[0] in basis.directions:
            table += clock_hands(speed, n) @ basis.rows(hands)
    return table


def clock_hands(speed: float, n: int) -> Array:
    """How much of each hand of a clock the first ``n`` positions carry, ``[position, hand]``."""
    angles = speed * np.arange(n)
    return CLOCK_SIZE * np.stack([np.cos(angles), np.sin(angles)], axis=1)


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
        wire_mover(block, mover, basis, shape, run)
    neuron = 0
    for rule in (r for r in mechanism.rules if r.layer == layer):
        wire_rule(block, neuron, rule, basis, shape, run)
        neuron += 2
    return replace(block, scores=scores_of(movers, shape))


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
        scores={},
    )
