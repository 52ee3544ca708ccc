"""A corruption: the subject gives way to repetitions of the prompt's first token."""

from dataclasses import dataclass
from typing import ClassVar

from pytest_interp.options import Corruption, register_corruption


@register_corruption
@dataclass(frozen=True)
class FirstToken(Corruption):
    """The clean prompt, each token of its subject replaced by the first token of the prompt."""

    name: ClassVar[str] = "first_token"
    prefers_counterfactual: ClassVar[bool] = False

    def ids(self, fact):
        subject = set(self.positions(fact))
        first = fact.clean_ids[0]
        return tuple(
            first if place in subject else token for place, token in enumerate(fact.clean_ids)
        )

    def positions(self, fact):
        return fact.subject_positions
