"""What the truth of a planted circuit says of claims about a set of its facts.

Every answer is True, False, or None where the stated number lies too near a limit, or is not
stated. No number comes from running a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pytest_interp.adapters.components import Component
from pytest_interp.claims import Verdict
from pytest_interp.facts.sets import FactSet
from pytest_interp.planted import CircuitModel, CircuitTruth

Floats = npt.NDArray[np.float64]
Asked = tuple[str, bool | None, Callable[[], Verdict]]
"""Words of a claim, whether it is true (None: the truth does not say), and the check."""


@dataclass(frozen=True)
class CircuitOracle:
    """Of one model and some of its facts."""

    model: CircuitModel
    facts: FactSet
    _known: dict[tuple[object, ...], Floats] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def truths(self) -> list[CircuitTruth]:
        return [self.model.truth(prompt) for prompt in self.facts.prompts]

    @property
    def roles(self) -> dict[str, Component]:
        return dict(self.model.roles)

    def distractors(self, kind: str) -> list[Component]:
        """Heads or MLPs that are no part of the mechanism."""
        working = set(self.model.roles.values())
        return [c for c in self.model.machine.components if c.kind == kind and c not in working]

    def over(self, number: Callable[[CircuitTruth], float]) -> Floats:
        """A stated number of each fact."""
        return np.array([number(truth) for truth in self.truths])

    def left(self, without: Sequence[Component], kind: str) -> Floats:
        """Of each fact the metric without some parts; the same for every backend, and so kept.

        Means are over the reference of the model.
        """
        key = (kind, *sorted(map(str, without)))
        if key not in self._known:
            asked = tuple(without)
            self._known[key] = self.over(lambda t: t.ablated(asked, kind))
        return self._known[key]

    def left_of(self, keep: Sequence[Component], kind: str) -> Floats:
        """The same with all heads and MLPs but these ablated."""
        kept = set(keep)
        return self.left([c for c in self.model.roles.values() if c not in kept], kind)

    @cached_property
    def clean(self) -> Floats:
        return self.over(lambda truth: truth.value)

    @property
    def near(self) -> float:
        """How far a mean may be from the stated one, in logits."""
        return self.model.tolerance

    def at_least(self, values: Floats, limit: float, near: float | None = None) -> bool | None:
        """Whether the mean of stated numbers reaches a limit."""
        room = float(values.mean()) - limit
        slack = self.near if near is None else near
        return None if not np.isfinite(room) or abs(room) < slack else bool(room > 0)

    def kv(self, head: Component) -> int:
        """The key-value head that a head reads."""
        shape = self.model.machine.shape
        return (head.index or 0) * shape.n_kv_heads // shape.n_heads


def beside(values: Floats, unit: float) -> Sequence[float]:
    """Limits so far on both sides of the mean of stated numbers."""
    mean = float(values.mean())
    return [round(limit, 3) for limit in (mean - unit, mean + unit)]
