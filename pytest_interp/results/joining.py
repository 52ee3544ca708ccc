"""One result of the parts of a set of facts, which were computed apart. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar, cast

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.facts.sets import FactSet
from pytest_interp.results.attention import AttentionPatterns
from pytest_interp.results.base import Result
from pytest_interp.results.over_facts import OverFacts
from pytest_interp.results.sets import ONE_MODEL, ResultSet

R = TypeVar("R", bound=Result)


def joined(parts: Sequence[R], members: Sequence[Sequence[int]]) -> R:
    """The result over the whole set, as if it had been computed at once.

    Args:
        parts: results of one experiment over parts of a set, without controls.
        members: for each part the places of its facts in the set.

    Raises:
        ClaimError: the parts were not measured on the same model; or what a result over the whole
            set refuses, as a prompt that is there twice.
    """
    order = list(chain.from_iterable(members))
    sorted_again = [order.index(place) for place in range(len(order))]
    first, *_ = parts
    whole: Any
    if isinstance(first, ResultSet):
        whole = replace(cast(Any, first), **_of_sets(cast(Sequence[ResultSet[Any]], parts)))
    elif isinstance(first, OverFacts):
        whole = replace(cast(Any, first), **_over_facts(cast(Sequence[OverFacts], parts)))
    elif isinstance(first, AttentionPatterns):
        whole = replace(cast(Any, first), **_of_prompts(cast(Sequence[AttentionPatterns], parts)))
    else:
        raise ClaimError(f"parts that are a {type(first).__name__} make no whole")
    return cast(R, whole.pick(sorted_again))


def _of_sets(parts: Sequence[ResultSet[Any]]) -> dict[str, Any]:
    """The results of all sets; that they are of one model the whole checks itself."""
    names = (parts[0]._field, *parts[0]._by_fact)
    return {name: tuple(chain.from_iterable(getattr(p, name) for p in parts)) for name in names}


def _over_facts(parts: Sequence[OverFacts]) -> dict[str, Any]:
    """The arrays of all parts."""
    _check_one_model(parts)
    fields: dict[str, Any] = {name: _end_to_end(parts, name) for name in parts[0]._by_fact}
    fields |= {name: _end_to_end(parts, name) for name in ("clean", "corrupt")}
    if (preferences := _end_to_end(parts, "preferences", axis=1)) is not None:
        if fields["corrupt"] is None:  # as where corrupt prompts were never run
            preferences[1] = preferences[0]
        fields["preferences"] = preferences
    return {**fields, "facts": _facts_of(parts)}


def _of_prompts(parts: Sequence[AttentionPatterns]) -> dict[str, Any]:
    """The patterns of all parts."""
    _check_one_model(parts)
    each = ("prompts", "str_tokens", "patterns", "subject_positions")
    fields: dict[str, Any] = {n: tuple(chain(*(getattr(p, n) for p in parts))) for n in each}
    fields |= {name: _end_to_end(parts, name) for name in ("clean", "corrupt")}
    return {**fields, "facts": _facts_of(parts)}


def _check_one_model(parts: Sequence[Any]) -> None:
    for name in ONE_MODEL:
        if len(found := {getattr(part.provenance, name, None) for part in parts}) > 1:
            raise ClaimError(f"the parts of one set differ in {name}: {sorted(map(str, found))}")


def _end_to_end(parts: Sequence[Any], name: str, axis: int = 0) -> Any:
    """An array of all parts. One that a part lacks the whole lacks, too."""
    arrays = [getattr(part, name) for part in parts]
    return None if any(array is None for array in arrays) else np.concatenate(arrays, axis=axis)


def _facts_of(parts: Sequence[Any]) -> FactSet:
    facts = tuple(chain.from_iterable(part.facts for part in parts))
    return replace(cast(FactSet, parts[0].facts), facts=facts)
