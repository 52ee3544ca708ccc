"""A Ray cluster of two nodes on this machine, of one processor each, for tests that are slow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

SMALL: dict[str, Any] = {
    "num_cpus": 1,
    "object_store_memory": 80 << 20,
    "memory": 4 << 30,
    # all of it on the loopback: nothing of this machine's network is used
    "node_ip_address": "127.0.0.1",
}
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""What a process finds in its environment that is to reach the cluster: Ray would replace the
address of the loopback by one of the network."""


@contextmanager
def two_nodes(environment: dict[str, str] | None = None, **of_second: str) -> Iterator[Any]:
    """The cluster, which is stopped in the end.

    Args:
        environment: what the processes of both nodes find there.
        of_second: what those of the second node find as well; tests are connected to the first.
    """
    from ray.cluster_utils import Cluster

    address = "ray._private.services.get_node_ip_address"
    inherited = environment or {}
    with mock.patch(address, return_value="127.0.0.1"):
        with mock.patch.dict("os.environ", inherited):
            head = SMALL | {"include_dashboard": False}
            cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            with mock.patch.dict("os.environ", inherited | of_second):
                cluster.add_node(**SMALL)
            yield cluster
        finally:
            cluster.shutdown()
