"""A causal trace of single heads, key-value heads or neurons. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.adapters.sites import UNITS
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import (
    Axis,
    Decision,
    Floats,
    Reading,
    as_json,
    dtype_of,
    must_have_shape,
)
from pytest_interp.results.findings import sole_largest
from pytest_interp.results.over_facts import rounded
from pytest_interp.results.patchings import Patchings
from pytest_interp.results.tolerances import Tolerance, float_tolerance


@dataclass(frozen=True, eq=False, kw_only=True)
class HeadTrace(Patchings):
    """One head at a time is patched, at one position or at all: ``patched`` [fact, layer, head].

    What is called a head here is a key-value head or a neuron where the site has those.
    """

    position: str | int
    """Where: as in claims, or ``all``."""
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    """Their numbers, the same in every layer."""
    n_layers: int

    def __post_init__(self) -> None:
        super().__post_init__()
        axes = {"fact": range(len(self)), "layer": self.layers, "head": self.heads}
        must_have_shape(self, "patched", **axes)

    @property
    def site(self) -> str:
        """The name of the patched kind of site."""
        return self.options.site.name

    @property
    def unit(self) -> str:
        """What the site is made of: ``head``, ``key-value head`` or ``neuron``."""
        return UNITS[self.options.site.unit_dim or "head"]

    def name(self, row: int, column: int) -> str:
        """A cell of the maps as claims write it: ``head.9.6``."""
        return f"{self.site}.{self.layers[row]}.{self.heads[column]}"

    def place(self, head: Component | str) -> tuple[int, int]:
        """Row and column of a head in the maps [layer, head].

        Raises:
            ClaimError: it was not traced.
            ExperimentError: the text is no component.
        """
        asked = Component.of(head)
        traced = asked.kind == self.site and asked.layer in self.layers
        if not traced or asked.index not in self.heads:
            raise ClaimError(
                f"{head!s} was not traced: {self.site}s of the layers {self.layers[0]} to "
                f"{self.layers[-1]} were, with {self.unit}s {self.heads[0]} to {self.heads[-1]}; "
                f"write {self.name(0, 0)!r}"
            )
        return self.layers.index(asked.layer or 0), self.heads.index(asked.index or 0)

    @property
    def strongest(self) -> str | None:
        """The head with the largest mean effect; None where another is level, or one is no number.

        A map of zeros has none.
        """
        at = sole_largest(self.mean_effect)
        return None if at is None else self.name(*divmod(at, len(self.heads)))

    def ranked(self, n: int | None = None) -> list[tuple[str, float]]:
        """Heads with their mean effects, the largest first."""
        mean: Floats = self.mean_effect
        order = np.argsort(-mean, axis=None, kind="stable")[:n].tolist()
        cells = [divmod(flat, len(self.heads)) for flat in order]
        return [(self.name(*cell), float(mean[cell])) for cell in cells]

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "head_trace",
            **self.facts_json(),
            **self.options.to_json(),
            **as_json(self, "position", "n_layers", "layers", "heads"),
            "strongest": self.strongest,
            "mean_effect": rounded(self.mean_effect),
            "largest_effects": {
                name: rounded(self.effect[(slice(None), *self.place(name))])
                for name, _ in self.ranked(5)
            },
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        names = ("clean_metric", "corrupt_metric", "mean_effect", "largest_effects")
        return dict.fromkeys(names, float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact = Axis("fact", "ids")
        return {
            "clean_metric": (fact,),
            "corrupt_metric": (fact,),
            "mean_effect": (Axis("layer", "layers"), Axis(self.unit.split()[-1], "heads")),
        }

    def findings(self) -> Mapping[str, Decision]:
        return {"strongest": Decision("mean_effect", "largest")}

    def summary(self) -> str:
        said = ", ".join(f"{name} {effect:.2f}" for name, effect in self.ranked(3))
        return f"the largest effects at {self.position}: {said}"

    def readings(self) -> tuple[Reading, ...]:
        (name, effect), *_ = self.ranked(1)
        return (Reading(f"effect of {name}", effect, "of the gap"),)
