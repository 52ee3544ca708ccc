"""How tests are shared out among the workers of xdist. Imported where xdist runs only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import (  # type: ignore[import-untyped]
    LoadScheduling,
    LoadScopeScheduling,
)

from pytest_interp.plugin.ids import id_reader

_PARTS = 4
"""The other tests of a run are cut into so many pieces for each worker."""


class Scheduler:
    """xdist's default, or whole files where tests run on models: the first collection decides."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        self._config, self._log = config, log
        self._chosen: Any = LoadScheduling(config, log)
        self._is_chosen = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chosen, name)

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """Take the tests that a worker has collected."""
        if not self._is_chosen:
            self._is_chosen = True
            if files := files_on_models(collection):
                nodes, self._chosen = self._chosen.nodes, ByFile(self._config, self._log)
                self._chosen.place(collection, files)
                for known in nodes:
                    self._chosen.add_node(known)
        self._chosen.add_node_collection(node, collection)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Files with tests on models stay whole; the other tests go in pieces, in their order."""

    def place(self, collection: Sequence[str], files: set[str]) -> None:
        """Give each test its group."""
        others = [test for test in collection if _file(test) not in files]
        size = max(1, len(others) // (_PARTS * self.numnodes))
        self._groups = {test: f"piece {i // size}" for i, test in enumerate(others)}

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.get(nodeid, _file(nodeid))


def files_on_models(collection: Sequence[str]) -> set[str]:
    """The files with tests on models, by the ids of their tests: xdist tells no more of them."""
    read = id_reader()
    return {_file(test) for test in collection if read(test) is not None}


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
