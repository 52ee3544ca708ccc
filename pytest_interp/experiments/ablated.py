"""Facts of which something is ablated, by group, and what of the result takes all of the groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np

from pytest_interp.experiments.groups import Group
from pytest_interp.experiments.growing import Values
from pytest_interp.experiments.parts import Patch
from pytest_interp.experiments.replacements import Replacements
from pytest_interp.options.metrics import Metric
from pytest_interp.results.control import Control
from pytest_interp.results.over_facts import OverFacts
from pytest_interp.results.tolerances import float_tolerance

R = TypeVar("R", bound=OverFacts)
IDENTITY = "ablating nothing"


@dataclass(frozen=True)
class Ablated:
    """Facts by group. The numbers of a group are the same whatever other groups there are."""

    groups: tuple[Group, ...]
    metric: Metric
    everything: Patch
    """All that is ablated in the first of them."""
    replacements: Replacements

    def values(self, group: Group, patches: Sequence[Patch]) -> Iterable[Values]:
        """What takes the place of what is ablated, for each draw."""
        return self.replacements.of(group, [part.site for patch in patches for part in patch])

    def apart(self, group: Group) -> dict[str, Any]:
        """Arguments with which a group is measured alone as it is among the others."""
        texts = self.replacements.texts_for(group)
        return {"reference": texts} if texts else {}

    def finished(self, whole: R) -> R:
        """The result of all groups, with its control and all reference prompts."""
        controls = (identity(self.groups[0], self.everything, self.metric, whole),)
        texts = self.replacements.texts
        return cast(R, replace(cast(Any, whole), controls=controls, reference=texts))


def identity(group: Group, patch: Patch, metric: Metric, whole: OverFacts) -> Control:
    """Put in place of everything that is ablated what is there: nothing may change.

    Value: the change of the metric of one fact, as a share of the mean of the clean runs.
    """
    one = group.first()
    clean, same = one.measured([patch], lambda _, rows: rows.own, metric, "a control")
    change = abs(float(same[0, 0, 0] - clean[0, 0]))
    share = change / max(float(np.abs(whole.clean).mean()), 1e-12)
    limit = float_tolerance(str(group.adapter.dtype).removeprefix("torch.")).atol
    return Control(IDENTITY, share, limit, "all of it replaced by itself")
