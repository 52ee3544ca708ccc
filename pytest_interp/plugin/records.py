"""What the tests of a run did with their baselines: gathered, and told at the end."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest


@dataclass(frozen=True)
class Record:
    """What one test did with its baselines."""

    folder: str
    """Where the baselines of its spec lie."""
    used: tuple[str, ...] = ()
    """Entries that it compared with or wrote, each by its shared file of numbers."""
    unfinished: str | None = None
    """Stem of its files, where it did not run to its end and so may not have asked for all."""
    notes: tuple[str, ...] = ()

    def attach(self, report: pytest.TestReport) -> None:
        """Send it with the last report of the test, from a worker of xdist too."""
        setattr(report, _REPORT, asdict(self))


@dataclass
class Records:
    """The records of all tests of a run."""

    tests: list[Record] = field(default_factory=list)
    collected: int = 0
    """Tests that were to run."""
    finished: set[str] = field(default_factory=set)
    """Node ids of the tests that ran to the end of their teardown, skipped ones included."""
    deselected: int = 0


_REPORT = "interp_baselines"
"""Attribute of a test's last report, and key in what a worker of xdist tells at its end."""
_RECORDS = pytest.StashKey[Records]()
_FOUND = pytest.StashKey[list[str]]()
"""What is told of baselines that no test asks for."""


def pytest_configure(config: pytest.Config) -> None:
    """Start the record of this run."""
    config.stash[_RECORDS], config.stash[_FOUND] = Records(), []
    config.pluginmanager.register(_Collector(config.stash[_RECORDS]), "interp-baseline-records")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Notice filters of every kind."""
    before = len(items)
    yield
    records = config.stash[_RECORDS]
    records.deselected = max(records.deselected, before - len(items))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what a filter left out."""
    if items:
        items[0].config.stash[_RECORDS].deselected += len(items)


class _Collector:
    """Collects the records of all tests, in the process that reports."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.records.finished.add(report.nodeid)
        if record := getattr(report, _REPORT, None):
            self.records.tests.append(Record(**record))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(_REPORT, {})
        self.records.deselected += told.get("deselected", 0)
        self.records.collected = max(self.records.collected, told.get("collected", 0))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Find what no test asked for, and delete it where that was asked."""
    from pytest_interp.plugin.pruning import prune

    config, records = session.config, session.config.stash[_RECORDS]
    # in xdist's controller there are none, and its workers tell of theirs
    records.collected = max(records.collected, len({item.nodeid for item in session.items}))
    if hasattr(config, "workeroutput"):
        told = {"deselected": records.deselected, "collected": records.collected}
        config.workeroutput[_REPORT] = told
        return
    config.stash[_FOUND] = prune(config, exitstatus, records)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell what was written, what moved within the noise, and what is obsolete."""
    notes = [note for test in config.stash[_RECORDS].tests for note in test.notes]
    lines = [*"\n".join(notes).splitlines(), *config.stash[_FOUND]]
    if lines:
        terminalreporter.section("interp baselines")
        for line in lines:
            terminalreporter.write_line(line)
