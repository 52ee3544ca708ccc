"""Experiments of a block on a Ray cluster, which is reached when the first of them runs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, TypeVar

from pytest_interp.cluster.spread import Over
from pytest_interp.errors import ClusterError
from pytest_interp.experiments.spreading import spreading
from pytest_interp.store.mode import store_now

T = TypeVar("T")
HERE = "auto"
"""The address of the cluster that this machine belongs to; where it belongs to none, of one of its
own, which ends with the run."""
PATIENCE = 10.0
"""Seconds in which the first machine of a cluster answers."""


@contextmanager
def on_cluster(address: str = HERE, extensions: Sequence[str] = ()) -> Iterator[None]:
    """Inside this block the workers of a cluster compute experiments that can be cut.

    Args:
        address: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.
        extensions: modules that add things; the workers import them, too.

    Raises:
        ClusterError: Ray is not installed; inside of the block, the cluster cannot be reached.
    """
    if find_spec("ray") is None:
        raise ClusterError("Ray is not installed. Run: pip install 'pytest-interp[ray]'")
    found = _Later(address, extensions)
    try:
        with spreading(found):
            yield
    finally:
        found.close()


class _Later:
    """Reaches the cluster when something is to be computed there."""

    def __init__(self, address: str, extensions: Sequence[str]) -> None:
        self._address, self._extensions = address, extensions
        self._crew: Any = None

    def __call__(
        self,
        experiment: Callable[..., T],
        adapter: Any,
        asked: dict[str, Any],
        here: Callable[[], T],
    ) -> T:
        if self._crew is None:
            _check_answers(self._address)
            from pytest_interp.cluster.nodes import RayCrew

            self._crew = RayCrew(self._address, self._extensions)
        return Over(self._crew, store_now())(experiment, adapter, asked, here)

    def close(self) -> None:
        """Let go of the workers."""
        if self._crew is not None:
            self._crew.close()


def unreached(address: str, why: object) -> ClusterError:
    """No cluster is there."""
    return ClusterError(
        f"no Ray cluster answers at {address}: {why}. On its first machine run: ray start --head, "
        "and on the others what that prints"
    )


def _check_answers(address: str) -> None:
    """Raise where nothing listens at an address: Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # auto, or a form that Ray knows
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except OSError as error:
        raise unreached(address, error) from error
