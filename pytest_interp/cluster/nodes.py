"""Workers on the nodes of a Ray cluster. The only module that imports Ray."""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_interp import progress
from pytest_interp.cluster.jobs import Job, Queue
from pytest_interp.cluster.needs import Needs, room
from pytest_interp.cluster.spread import Done
from pytest_interp.cluster.using import HERE, unreached
from pytest_interp.cluster.worker import Worker
from pytest_interp.errors import ClusterError
from pytest_interp.provenance import versions_here

# read by Ray when it starts: nothing is sent home, and the GPUs of a node are left as they are
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
import ray
from ray.exceptions import RayError

_LOOK = 0.5
"""Seconds between two looks at how far the workers are."""
_MOST_STARTS = 3
"""Workers that die before they are ready; then something is wrong with the nodes."""


class RayCrew:
    """Workers that Ray places where there is room for the model.

    Raises:
        ClusterError: the cluster cannot be reached.
    """

    def __init__(self, address: str = HERE, extensions: Sequence[str] = ()) -> None:
        self._extensions = extensions
        self._workers: list[_Member] = []
        self._failed_starts = 0
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
            try:
                where = None if address == HERE else address
                ray.init(address=where, include_dashboard=False, **quiet)
            except Exception as error:
                raise unreached(address, error) from error

    def close(self) -> None:
        """Let go of all workers, and of a cluster that this run has started."""
        for member in self._workers:
            ray.kill(member.handle)
        self._workers.clear()
        if self._is_ours:
            ray.shutdown()

    def do(self, jobs: Sequence[Job], what: str, done: Done) -> None:
        """Do all jobs, as :class:`~pytest_interp.cluster.spread.Crew` says."""
        queue, needs = Queue(len(jobs)), Needs.of(jobs[0].model, self._nodes())
        finished, total = 0, sum(job.n_facts for job in jobs)
        failure: Exception | None = None
        while (queue and failure is None) or any(m.job is not None for m in self._workers):
            self._staff(needs, len(jobs), what)
            for member in self._workers:
                if member.is_ready and member.job is None and queue and failure is None:
                    member.begin(queue.take(), jobs)
            for member in self._next():
                try:
                    answer = ray.get(member.waiting)
                except RayError as error:  # the process or its node is gone
                    self._workers.remove(member)
                    ray.kill(member.handle)
                    why = str(error).strip().splitlines()[-1]
                    if member.job is None:
                        self._lost(what, str(error))
                    elif failure is None:
                        queue.again(member.job, what, why)
                    continue
                if not member.is_ready:
                    _check_versions(answer)
                    member.start()
                    continue
                went_well, value = answer
                number, member.job, member.waiting = member.job, None, None
                assert number is not None
                if went_well:
                    done(number, pickle.loads(value))
                    finished += jobs[number].n_facts
                else:
                    failure = failure or pickle.loads(value)
            if total:
                self._tell(what, finished, total, jobs)
        if failure is not None:
            raise failure

    def _staff(self, needs: Needs, n_jobs: int, what: str) -> None:
        """Ask Ray for as many workers as there is room and work for."""
        wanted = min(n_jobs, room(needs, self._nodes()))
        if not wanted and not self._workers:
            raise ClusterError(f"{what}: {needs.too_much(self._nodes())}")
        while len(self._workers) < wanted:
            made = ray.remote(Worker).options(
                num_cpus=needs.cpus,
                num_gpus=needs.gpus,
                memory=needs.memory,
                max_restarts=0,
                max_concurrency=2,  # one does the work, one says how far it is
            )
            self._workers.append(_Member(made.remote(list(sys.path), list(self._extensions))))

    def _next(self) -> list[_Member]:
        """Those of whom something is there; waits a moment for it."""
        by_ref = {member.waiting: member for member in self._workers if member.waiting is not None}
        if not by_ref:
            time.sleep(_LOOK)
            return []
        there, _ = ray.wait(list(by_ref), num_returns=1, timeout=_LOOK)
        return [by_ref[ref] for ref in there]

    def _lost(self, what: str, why: str) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _MOST_STARTS:
            raise ClusterError(f"{what}: no worker could be started: {why.strip()}")

    def _tell(self, what: str, finished: int, total: int, jobs: Sequence[Job]) -> None:
        """One line for all: facts that are done, with the share of those that are being done."""
        at_work = [m for m in self._workers if m.job is not None and m.is_ready]
        asked = {m.handle.share_done.remote(): m for m in at_work}
        there, _ = (
            ray.wait(list(asked), num_returns=len(asked), timeout=_LOOK) if asked else ([], 0)
        )
        begun = 0.0
        for ref in there:
            try:
                begun += ray.get(ref) * jobs[asked[ref].job or 0].n_facts
            except RayError:  # seen by whoever waits for its work
                continue
        title = f"{what} on {len(at_work)} worker{'s' if len(at_work) != 1 else ''}"
        progress.report(title if finished < total else what, int(finished + begun), total)

    def _nodes(self) -> list[Mapping[str, float]]:
        return [node["Resources"] for node in ray.nodes() if node["Alive"]]


class _Member:
    """A worker, and what it is waited for."""

    def __init__(self, handle: Any) -> None:
        self.handle, self.is_ready = handle, False
        self.job: int | None = None
        self.waiting: Any = handle.versions.remote()

    def start(self) -> None:
        """It has said that it is there."""
        self.is_ready, self.waiting = True, None

    def begin(self, number: int, jobs: Sequence[Job]) -> None:
        """Give it a job."""
        self.job = number
        self.waiting = self.handle.do.remote(pickle.dumps(jobs[number]))


def _check_versions(there: Mapping[str, str]) -> None:
    """Refuse a node whose packages are others: verdicts would not be those of one machine."""
    here = versions_here()
    if others := [name for name in here | dict(there) if here.get(name) != there.get(name)]:
        said = ", ".join(f"{n} {there.get(n, 'missing')} instead of {here.get(n)}" for n in others)
        raise ClusterError(
            f"a node of the cluster has {said}. Install the same versions on every node"
        )
