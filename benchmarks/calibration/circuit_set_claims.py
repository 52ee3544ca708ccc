"""Claims about one planted circuit as a whole: faithful, complete, minimal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.calibration.circuit_oracle import Asked, CircuitOracle
from pytest_interp.adapters import ModelAdapter
from pytest_interp.adapters.components import Component
from pytest_interp.claims import check_complete, check_faithful, check_minimal
from pytest_interp.experiments import circuit
from pytest_interp.planted.ioi import ANSWERED, BACKUP
from pytest_interp.results import CircuitResult

Parts = tuple[Component, ...]


def set_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    """Of the whole mechanism, of what is left without each part, and with a distractor."""
    for kind, reference in (("zero", ()), ("mean", oracle.model.reference)):
        for name, keep in _circuits(oracle).items():
            found = circuit(
                adapter, oracle.facts, keep, ablation=kind, reference=list(reference) or None,
                sampled=4,
            )  # fmt: skip
            at = _Stated(oracle, keep, kind)
            yield f"{name} is faithful ({kind})", at.faithful(), lambda f=found: check_faithful(f)
            yield (
                f"{name} is complete ({kind})",
                at.complete(found),
                lambda f=found: check_complete(f),
            )
            yield f"{name} is minimal ({kind})", at.minimal(), lambda f=found: check_minimal(f)


def _circuits(oracle: CircuitOracle) -> dict[str, Parts]:
    parts = tuple(oracle.roles.values())
    found = {"the mechanism": parts, "the mechanism and a distractor": (
        *parts, oracle.distractors("head")[0],
    )}  # fmt: skip
    if BACKUP in oracle.roles:
        spare = {oracle.roles[BACKUP], oracle.roles[ANSWERED]}
        found["the mechanism without its reserve"] = tuple(p for p in parts if p not in spare)
    for role, part in oracle.roles.items():
        if len(parts) > 1:
            found[f"the mechanism without {role}"] = tuple(p for p in parts if p != part)
    return found


class _Stated:
    """What the truth says of one circuit."""

    def __init__(self, oracle: CircuitOracle, keep: Parts, kind: str) -> None:
        self.oracle, self.keep, self.kind = oracle, keep, kind
        self.none = self.kept(())
        self.whole = float(oracle.clean.mean()) - self.none
        self.near = 2 * oracle.near / abs(self.whole)

    def kept(self, parts: Sequence[Component]) -> float:
        """The mean of the metric over facts where these alone are kept."""
        return float(self.oracle.left_of(parts, self.kind).mean())

    def faithful(self) -> bool | None:
        share = (self.kept(self.keep) - self.none) / self.whole
        return self._both([share - 0.8, 1.2 - share])

    def complete(self, found: CircuitResult) -> bool | None:
        rooms = []
        for subset in found.subsets:
            out = {*map(Component.of, subset)}
            circuit_ = self.kept([p for p in self.keep if p not in out])
            model = self.kept([c for c in self.oracle.model.machine.components if c not in out])
            rooms.append(0.2 - abs(circuit_ - model) / self.whole)
        return self._both(rooms)

    def minimal(self) -> bool | None:
        before = self.kept(self.keep)
        changes = [
            abs(before - self.kept([p for p in self.keep if p != part])) / self.whole
            for part in self.keep
        ]
        return self._both([change - 0.05 for change in changes])

    def _both(self, rooms: Sequence[float]) -> bool | None:
        """Whether there is room to every limit; None where the nearest is too near."""
        least = min(rooms)
        return None if not np.isfinite(least) or abs(least) < self.near else least > 0
