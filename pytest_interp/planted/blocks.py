"""What a layer of a compiled mechanism is made of. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pytest_interp.planted.features import Array
from pytest_interp.planted.mechanism import Course, Features

ROTARY_BASE = 1e6
"""Base of the wavelengths of a rotary embedding, which its models are built with."""
CLOCK_SPEED, CLOCK_SIZE = 0.1, 0.3
"""Radians by which the clock turns from one position to the next, slow enough not to come around
within a prompt; its amplitude in learned position embeddings, next to features of norm 1."""
FAST_SPEED = 0.5
"""The same of a clock that comes around, but tells neighbours apart."""


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
    rotary: bool
    """Queries and keys are turned by their positions, which no embedding tells."""

    @property
    def score_dim(self) -> int:
        """The head dimension in which working heads match: the slowest of a rotary embedding."""
        return self.head_dim // 2 - 1

    @property
    def match_dims(self) -> tuple[int, ...]:
        """The head dimensions from the slowest of a rotary embedding on."""
        half = self.head_dim // 2
        return tuple(dim for pair in reversed(range(half)) for dim in (pair, pair + half))

    @property
    def recency_dim(self) -> int:
        """The head dimension that a rotary embedding turns at about ``CLOCK_SPEED``."""
        return self.clock_dim(CLOCK_SPEED)

    def clock_dim(self, speed: float) -> int:
        """The head dimension that a rotary embedding turns at about this speed."""
        half = self.head_dim // 2
        return round(-half * math.log(speed) / math.log(ROTARY_BASE))

    def speed_of(self, dim: int) -> float:
        """Radians by which a rotary embedding turns this dimension from a position to the next."""
        half = self.head_dim // 2
        return float(ROTARY_BASE ** (-(dim % half) / half))

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
    scores: Mapping[int, float]
    """Head dimension in which a working head of this layer matches -> the score where it does."""


def scale_of(features: Features, shape: Shape) -> float:
    """Factor by which a norm multiplies a token that carries these features."""
    return float(np.sqrt(shape.d_model / len(features)))


def first_with(flag: str, run: Course, site: str, layer: int) -> Features:
    """The features of the first token that carries a flag."""
    cells = run.cells.items()
    return next(f for c, f in cells if (c.site, c.layer) == (site, layer) and flag in f)
