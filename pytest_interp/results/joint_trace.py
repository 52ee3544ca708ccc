"""Named sets of cells that are patched together. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_interp.errors import UnknownNameError
from pytest_interp.results.base import Axis, Decision, Reading, dtype_of, must_have_shape
from pytest_interp.results.findings import sole_largest
from pytest_interp.results.over_facts import rounded
from pytest_interp.results.patchings import Patchings
from pytest_interp.results.tolerances import Tolerance, float_tolerance


@dataclass(frozen=True, eq=False, kw_only=True)
class JointTrace(Patchings):
    """Sets of cells, each patched as a whole: ``patched`` [fact, set]."""

    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    """The cells of each set, as ``mlp_out.5-14@subject``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        must_have_shape(self, "patched", fact=range(len(self)), set=self.names)

    def index(self, name: str) -> int:
        """Where a set stands among ``names``.

        Raises:
            UnknownNameError: it was not patched.
        """
        if name not in self.names:
            raise UnknownNameError.of("set of cells", name, self.names)
        return self.names.index(name)

    def to_json(self) -> dict[str, Any]:
        asked = {name: value for name, value in self.options.to_json().items() if name != "site"}
        return {
            "kind": "joint_trace",
            **self.facts_json(),
            **asked,
            "names": list(self.names),
            "cells": {name: list(one) for name, one in zip(self.names, self.cells, strict=True)},
            "strongest": None if (at := sole_largest(self.mean_effect)) is None else self.names[at],
            "mean_effect": rounded(self.mean_effect),
            "effect": rounded(self.effect),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        names = ("clean_metric", "corrupt_metric", "mean_effect", "effect")
        return dict.fromkeys(names, float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact, one = Axis("fact", "ids"), Axis("set", "names")
        return {
            "clean_metric": (fact,),
            "corrupt_metric": (fact,),
            "mean_effect": (one,),
            "effect": (fact, one),
        }

    def findings(self) -> Mapping[str, Decision]:
        return {"strongest": Decision("mean_effect", "largest")}

    def summary(self) -> str:
        at = int(np.argmax(self.mean_effect))
        return f"the largest effect has {self.names[at]}: {self.mean_effect[at]:.3f} of the gap"

    def readings(self) -> tuple[Reading, ...]:
        each = zip(self.names, self.mean_effect.tolist(), strict=True)
        return tuple(Reading(f"effect of {name}", value, "of the gap") for name, value in each)
