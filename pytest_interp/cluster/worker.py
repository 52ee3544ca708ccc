"""What runs on a node: a process with one model, which does jobs. No Ray here."""

from __future__ import annotations

import os
import pickle
import platform
import sys
from collections.abc import Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from pytest_interp.cluster.jobs import Job, Model
from pytest_interp.errors import ClusterError, described
from pytest_interp.experiments.spreading import spreading
from pytest_interp.memory import limit_memory
from pytest_interp.progress import listening
from pytest_interp.provenance import inside, seeded, versions_here

if TYPE_CHECKING:
    from pytest_interp.adapters.weights import Weights


class Worker:
    """Does one job at a time on the model that it holds.

    Args:
        path: where the run that asks imports its modules from.
        extensions: modules of the project that add things.
    """

    def __init__(self, path: Sequence[str], extensions: Sequence[str]) -> None:
        sys.path[:] = [*sys.path, *(place for place in path if place not in sys.path)]
        self._extensions = list(extensions)
        self._model: Model | None = None
        self._adapter: Any = None
        self._share = 0.0

    def versions(self) -> dict[str, str]:
        """The packages here that results depend on."""
        return versions_here()

    def process(self) -> int:
        """The number of its process on its node."""
        return os.getpid()

    def share_done(self) -> float:
        """How much of the present job is done, 0 to 1."""
        return self._share

    def do(self, sent: bytes) -> tuple[bool, bytes]:
        """Do a job that was pickled; give back whether it went well, and its result or error."""
        self._share = 0.0
        try:
            while self._extensions:
                __import__(self._extensions.pop(0))
            job: Job = pickle.loads(sent)
            limit_memory(job.memory)
            with spreading(None), listening(self._note), seeded(job.seed), inside(*job.git):
                return True, pickle.dumps(self._done(job))
        except Exception as error:
            return False, _sendable(error)

    def _note(self, what: str, done: int, total: int) -> None:
        self._share = done / max(1, total)

    def _done(self, job: Job) -> Any:
        return done(job, self._opened(job.model))

    def _opened(self, model: Model) -> Any:
        """The model under its backend; the one before is let go first."""
        if model != self._model:
            from pytest_interp.adapters.backends import open_adapter

            self._adapter = self._model = None
            weights = model.origin.load(model.name)
            _must_be_the_same(weights, model)
            self._adapter = open_adapter(weights, model.backend)
            self._model = model
        return self._adapter


def _must_be_the_same(weights: Weights, model: Model) -> None:
    """Raise unless the weights here are those of the run that asks, where both are of one dtype.

    Raises:
        ClusterError: they are not.
    """
    same_dtype = str(weights.dtype).removeprefix("torch.") == model.dtype
    if same_dtype and model.fingerprint not in (None, weights.fingerprint):
        raise ClusterError(
            f"the weights of {model.name} on the node {platform.node()} are not those of this run: "
            f"fingerprint {weights.fingerprint}, here {model.fingerprint} ({weights.source}). Give "
            "every node the same files, and run again where they changed meanwhile"
        )


def done(job: Job, adapter: Any) -> Any:
    """What a job gives on a model."""
    experiment = resolve_name(job.experiment)
    if job.do == "compute":
        return experiment(adapter, **job.asked)
    from pytest_interp.experiments.cuts import cut_of

    cut = cut_of(experiment, job.asked)
    assert cut is not None
    if job.do == "cut":
        return list(cut.pieces(adapter, job.asked)), cut.finished is None
    assert cut.finished is not None
    return cut.finished(adapter, job.asked, job.whole)


def _sendable(error: Exception) -> bytes:
    """An error as it is, or what it says where it cannot travel."""
    try:
        sent = pickle.dumps(error)
        pickle.loads(sent)
    except Exception:
        return pickle.dumps(ClusterError(described(error)))
    return sent
