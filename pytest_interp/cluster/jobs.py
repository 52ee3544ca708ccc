"""What a worker is asked to compute, and which of it is still to be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_interp.errors import ClusterError
from pytest_interp.models.origin import Origin

MOST_DEATHS = 3
"""A part whose worker died so often is not tried again: it is likely what kills them."""


@dataclass(frozen=True)
class Model:
    """A model under a backend, as another process can load it."""

    origin: Origin
    name: str
    """What this run calls it."""
    backend: str
    n_bytes: int
    """Of its tensors."""
    at: str = "a cluster"
    """Where it is computed."""
    dtype: str | None = None
    fingerprint: str | None = None
    """Of its weights in the process that asks, in that dtype; None where they are not there."""


@dataclass(frozen=True)
class Job:
    """One thing that a worker does."""

    do: Literal["cut", "compute", "finish"]
    """Say how it is cut, compute it, or add what takes all facts to the whole result."""
    model: Model
    experiment: str
    """As ``module:function``."""
    asked: Mapping[str, Any]
    """Its arguments by name, without the adapter."""
    whole: Any = None
    """The result that is to be finished."""
    seed: int | None = None
    """Of the run."""
    git: tuple[str | None, bool | None] = (None, None)
    """Commit of the project, and whether it had changes."""
    memory: int | None = None
    """The bytes that passes may take, where somebody said so."""
    n_facts: int = 0
    """What it adds to the progress of all."""


class Queue:
    """Jobs by number, each done once unless its worker dies."""

    def __init__(self, n: int) -> None:
        self._waiting = deque(range(n))
        self._deaths = [0] * n

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self) -> int:
        """The next job."""
        return self._waiting.popleft()

    def again(self, number: int, what: str, why: str) -> None:
        """A worker died with this job: another one does it next.

        Raises:
            ClusterError: it is not the first.
        """
        self._deaths[number] += 1
        if self._deaths[number] >= MOST_DEATHS:
            raise ClusterError(
                f"{what}: {MOST_DEATHS} workers died one after the other with the same part of it. "
                f"The last: {why}. Most often the memory of a node is too small for the model"
            )
        self._waiting.appendleft(number)
