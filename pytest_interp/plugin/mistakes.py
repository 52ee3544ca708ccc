"""A mistake in a test is shown at the test's own lines, and not at those of this package below."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from types import TracebackType

import pytest
from _pytest._code.code import (
    ReprEntryNative,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
    TerminalRepr,
)

from pytest_interp.errors import InterpError
from pytest_interp.plugin.specs import is_spec_file

_HERE = str(Path(__file__).parents[1])
_BELOW = ("pytest_interp", "torch", "transformers", "transformer_lens", "nnsight")
"""Packages whose lines say nothing of a mistake that the message names."""
_AROUND = ("_pytest", "pytest", "pluggy")
"""Packages whose lines are never those of a test."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave out the lines below the test, unless pytest is asked for ``--full-trace``.

    Where none of the lines is the test's, as with a device that is not there, the message stands
    alone. Errors of other kinds keep their lines: those may be faults of this package.
    """
    error = call.excinfo
    if error is None or not isinstance(error.value, InterpError) or is_spec_file(item.path):
        return (yield)
    if item.config.getoption("fulltrace"):
        return (yield)
    left = [raw for raw in _entries(error.tb) if _package(raw) not in _BELOW]
    if _package(left[-1]) not in _AROUND:
        error.traceback = type(error.traceback)(_chained(left))
        return (yield)
    report = yield
    if report.failed:
        report.longrepr = _message_alone(item, error)
    return report


def _message_alone(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> TerminalRepr:
    path, line, _ = item.location
    said = error.exconly()
    lines = [f"E   {one}\n" for one in said.splitlines()]
    place = ReprFileLocation(path, (line or 0) + 1, said)
    return ReprExceptionInfo(ReprTraceback([ReprEntryNative(lines)], None, "native"), place)


def _entries(traceback: TracebackType | None) -> Iterable[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _package(entry: TracebackType) -> str:
    """The package that a line of a traceback belongs to."""
    if entry.tb_frame.f_code.co_filename.startswith(_HERE):
        return "pytest_interp"  # also where nnsight runs a copy of such a line
    return str(entry.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _chained(entries: list[TracebackType]) -> TracebackType:
    """A traceback of these lines alone. pytest goes along ``tb_next`` again, past any filter."""
    first, *others = entries
    after = _chained(others) if others else None
    return TracebackType(after, first.tb_frame, first.tb_lasti, first.tb_lineno)
