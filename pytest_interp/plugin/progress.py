"""A live line for long work: model conversions, downloads and sweeps, on a terminal only."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Generator
from contextlib import nullcontext
from typing import Any

import pytest

from pytest_interp.progress import Listener, listening

_PATIENCE = 1.0
"""Seconds of silence before the line appears: short work never shows it."""
_INTERVAL = 0.1
"""Seconds between two updates."""
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"


@pytest.hookimpl(trylast=True)  # after pytest has made its terminal reporter
def pytest_configure(config: pytest.Config) -> None:
    """Watch the tests, where there is somebody who looks on."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if (
        reporter is not None
        and reporter.isatty
        and config.get_verbosity() >= 0
        and not (os.environ.get("CI") or os.environ.get("BUILD_NUMBER"))
    ):
        config.pluginmanager.register(LiveLine(config), "interp-live-line")


class LiveLine:
    """Shows the progress of long work behind what pytest has written, and takes it away again."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shown = False
        self._next = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Listen as long as a test runs."""
        self._next = time.monotonic() + _PATIENCE
        listener: Listener = self._listen
        with listening(listener):
            try:
                return (yield)
            finally:
                self._write("")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Clear the line before pytest writes there."""
        self._write("")

    def _listen(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _INTERVAL
            self._write(f" {what} {done}/{total}")

    def _write(self, text: str) -> None:
        if not text and not self._shown:
            return
        width = shutil.get_terminal_size().columns
        room = width - self._config.get_terminal_writer().width_of_current_line - 1
        line = text if len(text) <= room else text[: max(room - 1, 0)] + "…"
        before = _RESTORE if self._shown else _SAVE
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        # past pytest's own writer, which would count this line as part of its own
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            sys.stdout.write(before + _ERASE + (line if text else ""))
            sys.stdout.flush()
        self._shown = bool(text)
