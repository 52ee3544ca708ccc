"""Tests that were to run and did not run to their end, and files that could not be collected.

Of these there is no record: their process ended before they did. So they are told by their ids,
which the controller of xdist knows as well.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_interp.plugin.ids import IdParts, id_reader

if TYPE_CHECKING:
    from pytest_interp.report.run import Outcome, TestRecord

NOT_BEGUN: Final = "not begun when the run ended"
NOT_ENDED: Final = "begun, and not at its end when the run broke off"


@dataclass(eq=False)  # a plugin is found by its hash
class Expected:
    """What was to run, and how far it came; a plugin of the process that reports."""

    ids: tuple[str, ...] = ()
    """Node ids of the tests that were collected and not left out."""
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    crashed: dict[str, str] = field(default_factory=dict)
    """What xdist says of a test whose worker died."""
    broken: dict[str, str] = field(default_factory=dict)
    """Files that could not be collected, and why."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not session.config.option.collectonly:
            self.ids = tuple(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)  # the same on every worker

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken[report.nodeid] = str(report.longrepr)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begun.add(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.ended.add(report.nodeid)
        elif report.when not in ("setup", "call"):  # xdist says so of a worker that died
            self.crashed[report.nodeid] = str(report.longrepr)

    def records(self) -> Iterator[TestRecord]:
        """A record of each file that could not be collected, and of each spec's unfinished test."""
        for nodeid, said in self.broken.items():
            yield _record(nodeid, IdParts(nodeid.partition("::")[0], "collection"), "error", said)
        read = id_reader()
        for nodeid in dict.fromkeys((*self.ids, *self.crashed)):
            if nodeid not in self.ended and (found := read(nodeid)) is not None:
                said = NOT_ENDED if nodeid in self.begun else NOT_BEGUN
                said = self.crashed.get(nodeid, said).removesuffix(f" {nodeid!r}")
                yield _record(nodeid, found, "unfinished", said)


def _record(nodeid: str, parts: IdParts, outcome: Outcome, said: str) -> TestRecord:
    from pytest_interp.report.run import TestRecord

    return TestRecord(
        id=nodeid,
        spec=parts.spec,
        line=None,
        name=parts.name,
        about="",
        model=parts.model,
        backend=parts.backend,
        checkpoint=None,
        outcome=outcome,
        message=said,
        seconds=0.0,
        command=shlex.join(["pytest", nodeid]),
    )
