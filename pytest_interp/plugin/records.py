"""What the tests of a run did with their baselines: gathered, and told at the end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.errors import BaselineError
from pytest_interp.plugin.completeness import arguments, incomplete
from pytest_interp.plugin.kept import baseline_root, shown

if TYPE_CHECKING:
    from pytest_interp.baselines.run import RunRecord

REPORT = "interp_baselines"
"""Attribute of a test's last report; it survives the way from an xdist worker."""
_RUN = pytest.StashKey["RunRecord"]()
_FOUND = pytest.StashKey[list[str]]()
"""What is told of baselines that no test asks for."""


def pytest_configure(config: pytest.Config) -> None:
    """Start the record of this run."""
    from pytest_interp.baselines.run import RunRecord

    config.stash[_RUN] = RunRecord()
    config.pluginmanager.register(_Collector(config.stash[_RUN]), "interp-baseline-records")
    config.stash[_FOUND] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Notice filters of every kind."""
    before = len(items)
    yield
    run = config.stash[_RUN]
    run.deselected = max(run.deselected, before - len(items))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what a filter left out."""
    if items:
        items[0].config.stash[_RUN].deselected += len(items)


class _Collector:
    """Collects the records of all tests, in the process that reports."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        from pytest_interp.baselines.run import TestRecord

        if report.when == "teardown":
            self.run.finished.add(report.nodeid)
        record = getattr(report, REPORT, None)
        if record:
            self.run.tests.append(TestRecord.from_json(record))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(REPORT, {})
        self.run.deselected += told.get("deselected", 0)
        self.run.collected = max(self.run.collected, told.get("collected", 0))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Find what no test asked for, and delete it where that was asked."""
    config = session.config
    run = config.stash[_RUN]
    # in xdist's controller there are none, and its workers tell of theirs
    run.collected = max(run.collected, len({item.nodeid for item in session.items}))
    if hasattr(config, "workeroutput"):
        told = {"deselected": run.deselected, "collected": run.collected}
        config.workeroutput[REPORT] = told
        return
    why = incomplete(config, exitstatus, run)
    if why is None:
        config.stash[_FOUND] = _obsolete(config)
    elif config.option.interp_prune:
        config.stash[_FOUND] = [f"nothing was pruned: {why}"]


def _obsolete(config: pytest.Config) -> list[str]:
    """List what no test asked for, or delete it; the lines that tell of it."""
    from pytest_interp.baselines.store import remove

    root, rootdir = baseline_root(config), config.rootpath.resolve()
    covered = [root / path.relative_to(rootdir) for path in arguments(config)]
    found = config.stash[_RUN].obsolete(root, covered, rootdir)
    if not found:
        return []
    lines = [f"  {shown(path, config)}" for path in found]
    if not config.option.interp_prune:
        return ["no test asks for these any more; --interp-prune deletes them:", *lines]
    problem = []
    try:
        remove(found, root)
    except BaselineError as error:
        problem = [f"not everything was pruned: {error}"]
    gone = [line for line, path in zip(lines, found, strict=True) if not path.exists()]
    return ["deleted, since no test asks for them:", *gone, *problem]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell what was written, what moved within the noise, and what is obsolete."""
    notes = [line for note in config.stash[_RUN].notes for line in note.splitlines()]
    lines = [*notes, *config.stash[_FOUND]]
    if lines:
        terminalreporter.section("interp baselines")
        for line in lines:
            terminalreporter.write_line(line)
