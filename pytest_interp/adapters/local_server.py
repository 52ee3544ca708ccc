"""A server inside this process: how runs for a server are tried, with none at hand."""

from __future__ import annotations

import io
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from nnsight.intervention.backends.local import LocalSimulationBackend
from nnsight.schema.request import RequestModel
from nnsight.tracing.util import push


class LocalServer(LocalSimulationBackend):  # type: ignore[misc]
    """Runs what was sent on the model that it is given, without any of this process's modules.

    Nothing goes in but a package of bytes, and nothing out but what is packed for the way home.
    """

    def __call__(self, tracer: Any) -> None:
        packed = self.serve(RequestModel.serialize(tracer, compress=False))
        # no class of this package may come back: a server has none
        found = torch.load(io.BytesIO(packed), weights_only=True, map_location="cpu")
        push(tracer.info.frame, found)

    def serve(self, sent: bytes, compressed: bool = False) -> bytes:
        """What a run gives, packed."""
        lines, paths, hidden = dict(linecache.cache), list(sys.path), self._hide_local_modules()
        try:
            there = RequestModel.deserialize(
                sent, self.model._remoteable_persistent_objects(), compressed
            )
        finally:
            self._restore(hidden)
            sys.path[:] = paths  # in their order
            linecache.cache.clear()
            linecache.cache.update(lines)
        with _without_this_package():
            there.execute(there.info.code)
        packed = io.BytesIO()
        torch.save({"found": there.info.frame.f_locals["found"]}, packed)
        return packed.getvalue()


@contextmanager
def _without_this_package() -> Iterator[None]:
    """What is imported here while a sent run goes on, a server could not import."""
    ours = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    for name in ours:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.update(ours)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "pytest_interp"
