"""An experiment on a set of facts, spread over workers: cut, computed in parts, joined."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from pytest_interp.adapters.backends import BACKENDS
from pytest_interp.cluster.jobs import Job, Model
from pytest_interp.cluster.kept import Kept
from pytest_interp.facts.sets import FactSet
from pytest_interp.memory import memory_limit
from pytest_interp.models.origin import Origin
from pytest_interp.provenance import git_state, run_seed
from pytest_interp.results.joining import joined
from pytest_interp.store.files import Store

T = TypeVar("T")
Done = Callable[[int, Any], None]
"""Called with the number of a job and what came of it."""


class Crew(Protocol):
    """Workers."""

    def do(self, jobs: Sequence[Job], what: str, done: Done) -> None:
        """Do all jobs, in any order, and tell of each.

        Args:
            jobs: what is to be done.
            what: what the progress report calls it.
            done: is told of every job that is done, also where another fails.

        Raises:
            ClusterError: workers cannot start or keep dying.
            Exception: that of a job, as it was raised there, once no other is running.
        """


class Over:
    """Computes experiments by a crew; those that cannot travel are computed here."""

    def __init__(
        self,
        crew: Crew,
        store: Store | None = None,
        model_of: Callable[[Any], Model | None] | None = None,
    ) -> None:
        """``model_of`` says what the crew knows an adapter by, by default :func:`travelling`."""
        self._crew, self._store, self._model_of = crew, store, model_of or travelling

    def __call__(
        self,
        experiment: Callable[..., T],
        adapter: Any,
        asked: dict[str, Any],
        here: Callable[[], T],
    ) -> T:
        """The result, as :class:`~pytest_interp.experiments.spreading.Spread` says."""
        facts = next(iter(asked.values()), None)
        if not isinstance(facts, FactSet) or len(facts) < 2:
            return here()
        model = self._model_of(adapter)
        if model is None or not _can_travel(asked):
            return here()
        name = f"{experiment.__module__}:{experiment.__qualname__}"
        git = git_state(Path.cwd())
        job = Job("cut", model, name, asked, seed=run_seed(), git=git, memory=memory_limit())
        title = f"{experiment.__name__} of {model.name} under {model.backend}"
        pieces, is_finished = self._all([job], title)[0]
        jobs = [
            replace(job, do="compute", asked=piece.asked, n_facts=len(piece.members))
            for piece in pieces
        ]
        kept = None if self._store is None else Kept(self._store, adapter.weights.fingerprint)
        keys = [None] * len(jobs) if kept is None else kept.keys(jobs)
        done = {} if kept is None else kept.found(keys)
        left = [number for number in range(len(jobs)) if number not in done]

        def note(place: int, part: Any) -> None:
            done[left[place]] = part
            if kept is not None:
                kept.keep(keys[left[place]], part)

        if left:
            self._crew.do([jobs[number] for number in left], title, note)
        parts = [done[number] for number in range(len(jobs))]
        found: Any = joined(parts, [piece.members for piece in pieces])
        if not is_finished:
            found = self._all([replace(job, do="finish", whole=found)], title)[0]
        if kept is not None:
            kept.drop(keys)
        return cast(T, found)

    def _all(self, jobs: Sequence[Job], what: str) -> list[Any]:
        found: dict[int, Any] = {}
        self._crew.do(jobs, what, found.__setitem__)
        return [found[number] for number in range(len(jobs))]


def travelling(adapter: Any) -> Model | None:
    """The model as another process can load it; None where it is not as it was loaded.

    Nothing else tells what a test has made of it: a copy has no origin, weights that were written
    into have changes, and an adapter of a class of its own is none that a backend opens.
    """
    weights = adapter.weights
    origin: Origin | None = weights.origin
    if origin is None or weights.loaded is None or weights.changes():
        return None
    backend = BACKENDS.find(adapter.backend) if adapter.backend in BACKENDS else None
    kind = type(adapter)
    if backend is None or f"{kind.__module__}:{kind.__qualname__}" != backend.adapter:
        return None
    if any(callable(getattr(kind, name, None)) for name in vars(adapter)):
        return None  # a method was replaced
    tensors = weights.module.state_dict().values()
    n_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    dtype = str(weights.dtype).removeprefix("torch.")
    return Model(
        origin,
        adapter.name,
        adapter.backend,
        n_bytes,
        dtype=dtype,
        fingerprint=weights.fingerprint,
    )


def _can_travel(asked: Mapping[str, Any]) -> bool:
    """Whether arguments can be sent, as a metric made by a lambda cannot."""
    try:
        pickle.dumps(dict(asked))
    except Exception:
        return False
    return True
