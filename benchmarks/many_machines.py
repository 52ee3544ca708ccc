"""All shipped capitals, traced alone and on a Ray cluster of two nodes; one worker is killed.

    python -m benchmarks.many_machines [MODEL]

Starts the cluster on this machine, on the loopback, each node with one processor, and stops it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from unittest import mock

import numpy as np
import ray
from ray.cluster_utils import Cluster

from pytest_interp import assert_fact_localized
from pytest_interp.claims.verdict import hearing
from pytest_interp.cluster.nodes import RayCrew
from pytest_interp.cluster.spread import Over
from pytest_interp.experiments import trace_facts
from pytest_interp.experiments.spreading import spreading
from pytest_interp.facts import load_facts
from pytest_interp.models import load_model
from pytest_interp.results.known import unknown_because

LOOPBACK = "ray._private.services.get_node_ip_address"
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "node_ip_address": "127.0.0.1"}


class Watched:
    """A crew of which the jobs that are done are counted, and of which one worker is killed."""

    def __init__(self, crew: RayCrew) -> None:
        self.crew, self.sizes, self.done, self.killed = crew, [], [], None

    def do(self, jobs, what, done):
        """Do them; when the first of several is done, kill a worker in the middle of another."""

        def noted(number, value):
            self.done.append(number)
            done(number, value)
            if self.killed is None:
                busy = next(one for one in self.crew._workers if one.job not in (None, number))
                self.killed = busy.job
                os.kill(ray.get(busy.handle.process.remote()), signal.SIGKILL)

        if len(jobs) > 1:
            self.sizes = [job.n_facts for job in jobs]
        self.crew.do(jobs, what, noted if len(jobs) > 1 else done)


def verdict(traces) -> dict:
    """Of one claim, whichever way it falls."""
    heard: list = []
    with hearing(heard.append):
        try:
            assert_fact_localized(traces, "resid_post@subject", (0, 22))
        except AssertionError as said:
            print(f"  {str(said).splitlines()[0]}")
    return heard[-1].to_json()


def main() -> None:
    """Print what was measured."""
    name = sys.argv[1] if len(sys.argv) > 1 else "smollm2-135m"
    adapter, facts = load_model(name, "transformer_lens", "cpu", "float32"), load_facts("capitals")
    begin = time.perf_counter()
    alone = trace_facts(adapter, facts)
    print(f"alone: {len(facts)} facts in {time.perf_counter() - begin:.1f} s")
    with mock.patch(LOOPBACK, return_value="127.0.0.1"):
        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        cluster.add_node(**NODE)
        crew = RayCrew(cluster.address)
        try:
            watched = Watched(crew)
            with spreading(Over(watched)):
                begin = time.perf_counter()
                apart = trace_facts(adapter, facts)
                print(f"two nodes: {time.perf_counter() - begin:.1f} s, start of workers included")
        finally:
            crew.close()
            cluster.shutdown()
    print(f"parts, in facts: {watched.sizes}; done in the order {watched.done}")
    print(
        f"killed: the worker that had part {watched.killed}, when part {watched.done[0]} was done"
    )
    largest = max(
        float(np.abs(a.patched_metric - b.patched_metric).max())
        for a, b in zip(alone, apart, strict=True)
    )
    known = sum(unknown_because(trace) is None for trace in alone)
    print(f"largest difference of any number: {largest:g}; facts known: {known}")
    print(f"same JSON: {alone.to_json() == apart.to_json()}")
    print(f"same verdict: {verdict(alone) == verdict(apart)}")


if __name__ == "__main__":
    main()
