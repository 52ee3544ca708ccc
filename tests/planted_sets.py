"""Facts of several lengths that the planted models know, for tests of what is cut into parts."""

from __future__ import annotations

from functools import cache

from pytest_interp.facts import FactSet
from pytest_interp.planted import planted_model


@cache
def planted_facts() -> FactSet:
    """Sixteen facts in prompts of two lengths; those of one length are not all neighbours."""
    made = planted_model("gpt2")
    in_turn = zip(*(made.facts_in(template) for template in range(4)), strict=True)
    return FactSet.of([fact for four in in_turn for fact in four], "planted")
