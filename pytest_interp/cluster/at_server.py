"""Experiments on sets of facts whose runs are sent to a server: in parts, and each is kept.

A connection that is lost then costs the part at hand alone. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pytest_interp.cluster.jobs import Job, Model
from pytest_interp.cluster.spread import Done, Over
from pytest_interp.cluster.worker import done
from pytest_interp.errors import CacheError
from pytest_interp.experiments.spreading import spreading
from pytest_interp.store.mode import store_now

T = TypeVar("T")


class InTurn:
    """Does one job after the other, on the adapter that this process has."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def do(self, jobs: Sequence[Job], what: str, note: Done) -> None:
        """Do all jobs, as :class:`~pytest_interp.cluster.spread.Crew` says."""
        with spreading(None):
            for number, job in enumerate(jobs):
                note(number, done(job, self._adapter))


def in_parts(
    experiment: Callable[..., T], adapter: Any, asked: dict[str, Any], here: Callable[[], T]
) -> T:
    """As :class:`~pytest_interp.experiments.spreading.Spread` says."""
    try:
        store = store_now()
    except CacheError:  # it has no folder
        store = None
    if store is None:
        return here()
    return Over(InTurn(adapter), store, _there)(experiment, adapter, asked, here)


def _there(adapter: Any) -> Model | None:
    """The model at its server; None where nothing tells it from any other."""
    weights = adapter.weights
    if weights.origin is None or not weights.server.knows_checkpoint:
        return None
    return Model(weights.origin, adapter.name, adapter.backend, 0, at=adapter.at)
