"""What results on labelled prompts are checked for when they are made. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Result, must_have_shape

Axes = Mapping[str, Sequence[object]]
"""Dimensions of an array by name, with what each entry is."""
OF_EACH = ("labels", "groups", "templates")
"""Fields with one entry for each prompt."""


def must_fit_prompts(result: Any, arrays: Mapping[str, Axes], *also: str) -> None:
    """Check that a result has one entry for each of its prompts, wherever it has prompts.

    Args:
        result: with ``ids``, the fields of :data:`OF_EACH`, and perhaps ``classes``.
        arrays: of each array its axes before the prompts, by name.
        also: further fields with one entry for each prompt.

    Raises:
        ClaimError: a field or an array has another length or shape, there is no prompt, or a label
            is none of the classes.
    """
    kind, n = type(result).__name__, len(result.ids)
    for name in (*OF_EACH, *also):
        if len(getattr(result, name)) != n:
            raise ClaimError(
                f"{name} of a {kind} has {len(getattr(result, name))} entries, and there are {n} "
                "prompts: one each"
            )
    if odd := sorted(set(result.labels).difference(result.classes)):
        raise ClaimError(
            f"the prompts of a {kind} have the label {odd[0]!r}, which is none of its classes "
            f"{', '.join(result.classes)}"
        )
    for name, axes in arrays.items():
        must_have_shape(result, name, **axes, prompt=result.ids)


def rows_of(result: Result, name: str) -> range:
    """The rows of an array of which nothing else says how many they are."""
    return range(np.shape(getattr(result, name))[0] if np.ndim(getattr(result, name)) else 0)
