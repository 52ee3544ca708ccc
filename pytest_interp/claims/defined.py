"""Whether every number of a result is one: what is undefined supports no claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from pytest_interp.results.base import Floats

NO_ANSWER = "right"
"""Answers rightly or not, by prompt, the last axis: not a number where a prompt has no answer."""


def undefined(result: Any) -> str:
    """Says where a result first holds a number that is not finite; empty where all are.

    The whole result counts, not what a claim reads of it: numbers of one pass that broke are no
    evidence that the others did not. A result may say by itself where that began.
    """
    if said := getattr(result, "undefined", ""):
        return f"Undefined is not zero: {said}."
    for name, values in _arrays(result):
        wrong = ~np.isfinite(values)
        if name == NO_ANSWER:
            wrong &= ~np.isnan(values).reshape(-1, values.shape[-1]).all(0)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            return f"Undefined is not zero: {name}{list(at)} is {values[at]:g}, no finite number."
    return ""


def _arrays(result: Any) -> Iterator[tuple[str, Floats]]:
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield field.name, value
