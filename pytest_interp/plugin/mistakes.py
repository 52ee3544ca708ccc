"""A mistake in a test is shown at the test's own lines, and not at those of this package below."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import pytest

from pytest_interp.errors import InterpError
from pytest_interp.plugin.specs import is_spec_file

_HERE = str(Path(__file__).parents[1])
_BELOW = ("pytest_interp", "torch", "transformers", "transformer_lens", "nnsight")
"""Packages whose lines say nothing of a mistake that the message names."""
_AROUND = ("_pytest", "pytest", "pluggy")
"""Packages whose lines are never those of a test."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Leave out the lines below the test, unless pytest is asked for ``--full-trace``.

    Errors of other kinds keep theirs: those may be faults of this package.
    """
    error = call.excinfo
    if error is None or not isinstance(error.value, InterpError) or is_spec_file(item.path):
        return
    if item.config.getoption("fulltrace"):
        return
    left = [raw for raw in _entries(error.tb) if _package(raw) not in _BELOW]
    if left and _package(left[-1]) not in _AROUND:  # else none of its lines is somebody else's
        error.traceback = type(error.traceback)(_chained(left))


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
