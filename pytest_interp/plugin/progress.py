"""A live line for long work: model conversions, downloads and sweeps, on a terminal only."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Generator
from contextlib import closing, nullcontext
from typing import Any

import pytest

from pytest_interp.progress import Bars, listening

_PATIENCE = 1.0
"""Seconds of a test before the line appears: short work never shows it."""
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"


@pytest.hookimpl(trylast=True)  # after pytest has made its terminal reporter
def pytest_configure(config: pytest.Config) -> None:
    """Show the line where somebody watches a terminal."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    is_watched = reporter is not None and reporter.isatty and config.get_verbosity() >= 0
    if is_watched and not (os.environ.get("CI") or os.environ.get("BUILD_NUMBER")):
        config.pluginmanager.register(LiveLine(config), "interp-live-line")


class LiveLine:
    """Shows the progress of long work after what pytest has written, and erases it again."""

    def __init__(self, config: pytest.Config) -> None:
        self._behind = _Behind(config)
        # one line has room for one bar: the latest
        self._bars = Bars(file=self._behind, position=0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Listen while a test runs."""
        self._behind.begin = time.monotonic() + _PATIENCE
        with closing(self._bars), listening(self._bars):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Clear the line before pytest writes there."""
        self._bars.close()


class _Behind:
    """A file for tqdm: a line of the terminal that begins where pytest has stopped writing."""

    begin = 0.0
    """Nothing is shown before."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shown = False

    def write(self, text: str) -> None:
        """Replace the line; tqdm goes to its start by a carriage return and erases by spaces."""
        text = text.strip("\r ")
        if not self._shown and (not text or time.monotonic() < self.begin):
            return
        columns = shutil.get_terminal_size().columns
        column = self._config.get_terminal_writer().width_of_current_line % columns
        line = f" {text}"[: columns - column - 1] if text else ""
        before = _RESTORE if self._shown else _SAVE
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        # not by pytest's own writer, which would count this line as part of its own
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            sys.stdout.write(before + _ERASE + line)
            sys.stdout.flush()
        self._shown = bool(text)

    def flush(self) -> None:
        """Done by each write."""
