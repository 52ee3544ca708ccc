"""What one forward pass gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from pytest_interp.adapters.sites import Site
from pytest_interp.errors import ExperimentError


@dataclass(frozen=True, eq=False)
class Run:
    """What one forward pass gave.

    ``logits`` is [row, kept position, vocabulary], with the rows that the last edit left.
    ``captured`` holds, for each asked site, a copy of what flowed on from there: the edited
    activation, where there was an edit.
    """

    logits: Tensor
    captured: Mapping[Site, Tensor]
    gradients: Mapping[Site, Tensor] = field(default_factory=dict)
    """By captured site, the gradient of the number that ``gradient_of`` gave, in its shape."""

    def __getitem__(self, site: Site | str) -> Tensor:
        """The activation at a captured site. An ExperimentError for any other."""
        found = self.captured.get(Site.of(site))
        if found is None:
            there = ", ".join(map(str, self.captured)) or "none"
            raise ExperimentError(
                f"{site} was not captured: name it in capture=[...]. Captured: {there}"
            )
        return found
