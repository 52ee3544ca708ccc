"""What a circuit does alone, and without parts of it. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.results.ablations import Members
from pytest_interp.results.base import Axis, Floats, Reading, dtype_of, plain
from pytest_interp.results.over_facts import OverFacts, rounded
from pytest_interp.results.tolerances import Tolerance, float_tolerance


@dataclass(frozen=True, eq=False, kw_only=True)
class CircuitResult(OverFacts):
    """The metric after each clean prompt with all heads and MLPs outside of a circuit ablated.

    The circuit is C, the whole model M, and a subset of the circuit K.

    Raises:
        ClaimError: an array has another shape than its facts and names.
    """

    keep: tuple[str, ...]
    """The components of the circuit."""
    n_nodes: int
    """Heads and MLPs of the model."""
    kept: Floats
    """The metric of C [fact]."""
    none: Floats
    """The metric where all heads and MLPs are ablated [fact]."""
    subset_names: tuple[str, ...]
    subsets: tuple[Members, ...]
    """For completeness, the subsets K."""
    circuit_without: Floats
    """The metric of C without K [fact, subset]."""
    model_without: Floats
    """The metric of M without K [fact, subset]."""
    removed: tuple[str, ...]
    """For minimality, the components that were left out one at a time: all, or none."""
    minimal_with: tuple[Members, ...]
    """What was left out of C beside each of these; mostly nothing."""
    before_removal: Floats
    """The metric of C without that [fact, removed]."""
    after_removal: Floats
    """The metric of C without that, and without the component [fact, removed]."""
    random_circuits: tuple[Members, ...] = ()
    """Random circuits of as many heads and MLPs."""
    random_kept: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """The metric of each of these [fact, circuit]."""
    how: Mapping[str, Any] = field(default_factory=dict)
    """What took the place of what is ablated, as the JSON has it."""
    reference: tuple[str, ...] = ()
    """The prompts that replacements come from."""

    _by_fact = (
        *("kept", "none", "circuit_without", "model_without"),
        *("before_removal", "after_removal", "random_kept"),
    )

    def __post_init__(self) -> None:
        n = len(self.facts)
        if not self.random_circuits:
            object.__setattr__(self, "random_kept", np.empty((n, 0)))
        super().__post_init__()
        for names, arrays in (
            (self.subsets, ("circuit_without", "model_without")),
            (self.removed, ("before_removal", "after_removal")),
            (self.random_circuits, ("random_kept",)),
        ):
            for name in arrays:
                if getattr(self, name).shape != (n, len(names)):
                    raise ClaimError(
                        f"{name} of a CircuitResult has the shape {getattr(self, name).shape}, and "
                        f"needs {(n, len(names))}"
                    )

    @property
    def whole(self) -> Floats:
        """What all heads and MLPs do together: the metric with them minus that without [fact]."""
        return np.asarray(self.clean - self.none)

    @property
    def faithfulness(self) -> float:
        """What the circuit does of that, as a ratio of means over facts."""
        return _ratio(self.kept - self.none, self.whole)

    @property
    def random_faithfulness(self) -> Floats:
        """The same of the random circuits [circuit]."""
        columns = (self.random_kept - self.none[:, None]).T
        return np.array([_ratio(one, self.whole) for one in columns])

    @property
    def removal(self) -> Floats:
        """What each component adds to the circuit [fact, removed]."""
        return np.asarray(self.before_removal - self.after_removal)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "circuit",
            **self.facts_json(),
            **self.how,
            "reference_prompts": list(self.reference),
            "circuit": list(self.keep),
            "n_nodes": self.n_nodes,
            "faithfulness": plain(round(self.faithfulness, 5)),
            "circuit_metric": rounded(self.kept),
            "ablated_metric": rounded(self.none),
            "subset_names": list(self.subset_names),
            "subsets": [list(one) for one in self.subsets],
            "circuit_without": rounded(self.circuit_without.mean(0)),
            "model_without": rounded(self.model_without.mean(0)),
            "removed": list(self.removed),
            "minimal_with": {
                name: list(beside)
                for name, beside in zip(self.removed, self.minimal_with, strict=True)
                if beside
            },
            "removal": rounded(self.removal.mean(0)),
            "random_circuits": [list(one) for one in self.random_circuits],
            "random_faithfulness": rounded(self.random_faithfulness),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Numbers by the dtype of the model."""
        names = (
            *("clean_metric", "corrupt_metric", "circuit_metric", "ablated_metric", "removal"),
            *("circuit_without", "model_without", "faithfulness", "random_faithfulness"),
        )
        return dict.fromkeys(names, float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact, subset = Axis("fact", "ids"), Axis("subset", "subset_names")
        by_fact = ("clean_metric", "corrupt_metric", "circuit_metric", "ablated_metric")
        return {
            **dict.fromkeys(by_fact, (fact,)),
            **dict.fromkeys(("circuit_without", "model_without"), (subset,)),
            "removal": (Axis("component", "removed"),),
        }

    def summary(self) -> str:
        return (
            f"{len(self.keep)} of {self.n_nodes} heads and MLPs keep {self.faithfulness:.0%} of "
            f"what all do ({self.how.get('ablation', '')} ablation)"
        )

    def readings(self) -> tuple[Reading, ...]:
        return (
            Reading("faithfulness", self.faithfulness, ""),
            Reading("metric of the circuit", float(self.kept.mean()), self.metric.unit),
        )


def _ratio(part: Floats, whole: Floats) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(part.mean() / whole.mean())
