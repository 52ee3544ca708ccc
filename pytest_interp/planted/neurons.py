"""MLP neurons of a mechanism, as matrices. No torch here."""

from __future__ import annotations

import numpy as np

from pytest_interp.planted.blocks import Block, Shape, first_with, scale_of
from pytest_interp.planted.features import Basis
from pytest_interp.planted.mechanism import Course, Rule

STEEPNESS = 80.0
"""Slope of a rule's step: a quarter of it clears the soft part of GELU and of SiLU."""


def wire_rule(
    block: Block, neuron: int, rule: Rule, basis: Basis, shape: Shape, run: Course
) -> None:
    """A step made of two neurons: one rises at the threshold, one cancels its further rise.

    A graded rule is two neurons as well, of opposite sign: x passes GELU or SiLU as
    act(x) - act(-x) = x.
    """
    scale = scale_of(first_with(rule.at, run, "resid_mid", rule.layer), shape)
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
        if rule.graded:
            block.gate[neuron + i] = sign * slope * basis.sum(rule.reads)
            height *= 4
        block.down[:, neuron + i] = sign * basis.directions[rule.writes] / height
