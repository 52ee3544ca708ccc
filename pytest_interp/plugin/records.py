"""What the tests of a run did with their baselines: gathered, and reported at the end."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_interp.plugin.pruning import Pruning


@dataclass(frozen=True)
class Record:
    """What one test did with its baselines."""

    folder: str
    """The folder of its spec's baselines."""
    used: tuple[str, ...] = ()
    """Entries that it compared with or wrote, each by its shared file of numbers."""
    unfinished: str | None = None
    """Stem of its files, where it did not run to its end and may not have asked for all of them."""
    notes: tuple[str, ...] = ()

    def attach(self, report: pytest.TestReport) -> None:
        """Send it with the last report of the test, from a worker of xdist too."""
        setattr(report, _REPORT, asdict(self))


@dataclass(eq=False)  # a plugin is found by its hash
class Records:
    """The records of all tests of a run, a plugin of the process that reports."""

    tests: list[Record] = field(default_factory=list)
    collected: int = 0
    """Tests that were to run."""
    finished: set[str] = field(default_factory=set)
    """Node ids of the tests that ran to the end of their teardown, skipped ones included."""
    deselected: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.finished.add(report.nodeid)
        if record := getattr(report, _REPORT, None):
            self.tests.append(Record(**record))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        of_worker = getattr(node, "workeroutput", {}).get(_REPORT, {})
        self.deselected += of_worker.get("deselected", 0)
        self.collected = max(self.collected, of_worker.get("collected", 0))


_REPORT = "interp_baselines"
"""Attribute of a test's last report, and key in the final report of a worker of xdist."""
_RECORDS = pytest.StashKey[Records]()
_PRUNING: pytest.StashKey[Pruning] = pytest.StashKey()
"""What no test asks for, once the run has ended."""


def pytest_configure(config: pytest.Config) -> None:
    """Start the record of this run."""
    config.stash[_RECORDS] = Records()
    config.pluginmanager.register(config.stash[_RECORDS], "interp-baseline-records")


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


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Find what no test asked for. It is shown, and only then deleted with ``--interp-prune``."""
    from pytest_interp.plugin.pruning import prune

    config, records = session.config, session.config.stash[_RECORDS]
    # the controller of xdist has no items of its own, and its workers report theirs
    records.collected = max(records.collected, len({item.nodeid for item in session.items}))
    if hasattr(config, "workeroutput"):
        counts = {"deselected": records.deselected, "collected": records.collected}
        config.workeroutput[_REPORT] = counts
    else:
        config.stash[_PRUNING] = prune(config, exitstatus, records)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show what was written, what moved within the noise, and what is obsolete; then delete."""
    notes = [note for test in config.stash[_RECORDS].tests for note in test.notes]
    # what several tests or backends say is said once, where it was said last
    notes = list(dict.fromkeys(reversed(notes)))[::-1]
    pruning = config.stash.get(_PRUNING, None)
    if lines := [*notes, *(pruning.lines if pruning else ())]:
        terminalreporter.section("interp baselines")
        _write(terminalreporter, lines)
        # they are listed above, and so is nothing that is deleted without a summary
        _write(terminalreporter, pruning.delete() if pruning else [])


def _write(terminalreporter: pytest.TerminalReporter, lines: list[str]) -> None:
    for line in "\n".join(lines).splitlines():
        terminalreporter.write_line(line)
