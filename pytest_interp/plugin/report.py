"""Reports of a run: what each test did is collected in the process that reports, and written."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.documents import shown
from pytest_interp.errors import ReportError
from pytest_interp.plugin import gathering
from pytest_interp.plugin.unfinished import Expected

if TYPE_CHECKING:
    from pytest_interp.report.run import RunRecord, TestRecord


@dataclass(frozen=True)
class Writer:
    """A report that can be asked for: a file made of the record of the run."""

    option: str
    """Its option, as ``--interp-report-json``; the ini twin has the same name."""
    what: str
    """What it is, for the help."""
    render: str
    """Where the function is that makes its text of a ``RunRecord``: ``module:function``."""

    @property
    def name(self) -> str:
        """The name of the option's value, and of the ini twin."""
        return self.option.removeprefix("--").replace("-", "_")


WRITERS = (
    Writer(
        "--interp-report",
        "HTML: one page of all claims, with their figures and maps, for a browser",
        "pytest_interp.report.html:render",
    ),
    Writer(
        "--interp-report-json",
        "JSON: every claim, result, baseline and timing",
        "pytest_interp.report.reading:to_json",
    ),
    Writer(
        "--interp-report-md",
        "Markdown for a pull request: what changed, the worst first",
        "pytest_interp.report.markdown:render",
    ),
)
"""All reports that a run can write, a row each."""
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable in which GitHub Actions names the file whose Markdown it shows beside a job."""


@dataclass(eq=False)  # a plugin is found by its hash
class Collected:
    """What the tests of a run did, a plugin of the process that reports."""

    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    started: float = field(default_factory=perf_counter)
    tests: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The record of each test by its node id: of a test that was run again, the last."""
    expected: Expected = field(default_factory=Expected)
    """What was to run, and how far it came."""
    lines: list[str] = field(default_factory=list)
    """What the end of the run says of its reports."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if record := getattr(report, _RECORD, None):
            self.tests[record["id"]] = record

    @property
    def has_specs(self) -> bool:
        """Whether a spec ran, or was to run: else the end of a run says nothing unasked."""
        return bool(self.tests) or any(one.outcome == "unfinished" for one in self.unfinished)

    @cached_property
    def unfinished(self) -> list[TestRecord]:
        """What did not run to its end, once the run has ended."""
        return list(self.expected.records())


_RECORD = "interp_test"
"""Attribute of a test's last report."""
COLLECTED = pytest.StashKey[Collected]()
"""What the tests of this run did, in the process that reports."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """An option for each report, with an ini twin that it overrides."""
    group = parser.getgroup("interp", "interpretability claims on language models")
    for writer in WRITERS:
        text = f"write a report of the run to this file: {writer.what}"
        group.addoption(writer.option, metavar="PATH", help=text)
        parser.addini(writer.name, text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a place where no report can be written, before the run costs anything."""
    if hasattr(config, "workerinput"):  # its controller writes
        return
    try:
        given = [path for _, path in _asked(config)]
        for path in given:
            _check_place(path)
        if len(set(given)) < len(given):
            raise ReportError(f"two reports would be written to {given[0]}: give each a file")
    except ReportError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[COLLECTED] = Collected()
    config.pluginmanager.register(config.stash[COLLECTED], "interp-collected")
    config.pluginmanager.register(config.stash[COLLECTED].expected, "interp-expected")


def _asked(config: pytest.Config) -> Iterator[tuple[Writer, Path]]:
    """The reports that this run is to write, and where."""
    ini_folder = config.inipath.parent if config.inipath else config.rootpath
    for writer in WRITERS:
        if given := config.getoption(writer.name):
            yield writer, config.invocation_params.dir / Path(given).expanduser()
        elif given := str(config.getini(writer.name)):
            yield writer, ini_folder / Path(given).expanduser()


def _is_asked(config: pytest.Config) -> bool:
    """Whether anything will show the numbers of this run."""
    return bool(os.environ.get(STEP_SUMMARY)) or any(True for _ in _asked(config))


def _check_place(path: Path) -> None:
    folder = next(one for one in path.parents if one.exists())
    why = None
    if path.is_dir():
        why = "it is a folder. Give the path of a file"
    elif not folder.is_dir():
        why = f"{folder} is no folder. Give another path"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        why = "nothing may be written there. Give another path, or make it writable"
    if why is not None:
        raise ReportError(f"the report {shown(path)} cannot be written: {why}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin anew: a test may be run again."""
    gathering.begin(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what became of the test, and send its record with its last report."""
    report = yield
    gathering.note_report(item, call, report)
    if report.when == "teardown":
        # a report with all numbers and figures is costly: only where it was asked for
        record = gathering.finish(item, whole=_is_asked(item.config))
        if record:
            setattr(report, _RECORD, record)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the reports: also of a run that failed or was interrupted."""
    config = session.config
    collected = config.stash.get(COLLECTED, None)
    asked = list(_asked(config))
    if collected is None or not _is_asked(config):
        return
    run = run_record(config, collected, int(exitstatus))
    if collected.has_specs:  # a run of other tests has nothing to say
        collected.lines += _add_to_summary(run)
    for writer, path in asked:
        try:
            _write(path, resolve_name(writer.render)(run))
            collected.lines.append(f"report written: {shown(path)}")
        except ReportError as error:
            collected.lines.append(f"ERROR: {error}")
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def _add_to_summary(run: RunRecord) -> Iterator[str]:
    """Add what happened to the summary that GitHub shows of a job's step, where there is one."""
    from pytest_interp.report.markdown import render

    if path := os.environ.get(STEP_SUMMARY):
        try:
            # other commands of the step add to it too
            with open(path, "a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(f"{render(run)}\n")
        except OSError as error:
            yield f"the summary of the step was not written: {path}: {error.strerror}"


def run_record(config: pytest.Config, collected: Collected, exit_status: int) -> RunRecord:
    """The record of the run, as far as it came."""
    from pytest_interp.plugin.standins import stand_in_lines
    from pytest_interp.provenance import git_state, versions_here
    from pytest_interp.report.reading import test_of
    from pytest_interp.report.run import RunRecord

    sha, dirty = git_state(config.rootpath)
    records = [*map(test_of, collected.tests.values()), *collected.unfinished]
    # of what did not finish no line is known: it comes last in its file
    tests = sorted(records, key=lambda t: (t.spec, t.line is None, t.line or 0, t.id))
    return RunRecord(
        time=collected.time,
        seconds=round(perf_counter() - collected.started, 3),
        command=shlex.join(["pytest", *map(str, config.invocation_params.args)]),
        exit_status=exit_status,
        rootdir=config.rootpath.name,
        versions=dict(versions_here()),
        git_sha=sha,
        git_dirty=dirty,
        python=platform.python_version(),
        platform=platform.platform(),
        tests=tuple(tests),
        stand_ins=tuple(stand_in_lines(config, {test.model for test in tests if test.model})),
    )


def _write(path: Path, text: str) -> None:
    """Write a whole file, in place of what was there.

    Raises:
        ReportError: it cannot be written; what was there is unchanged.
    """
    from pytest_interp.baselines.files import write_together
    from pytest_interp.errors import BaselineError

    try:
        # what is no Unicode, as half of a pair of surrogates, is shown as an escape
        write_together({path: text.encode(errors="backslashreplace")})
    except BaselineError as error:
        raise ReportError(
            f"the report {shown(path)} could not be written ({error.__cause__}). What was there "
            "is unchanged. Give another path, or make this one writable, and run again"
        ) from error


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say where the reports are."""
    for line in config.stash[COLLECTED].lines:
        terminalreporter.write_line(f"interp: {line}")
