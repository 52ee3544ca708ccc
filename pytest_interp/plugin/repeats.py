"""A failure that is the same under several backends is printed once, whatever the order of tests.

The process that reports does this at the end of a run, so that it works under xdist too; JUnit
files, written from the reports themselves, keep every failure in full.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator
from typing import Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter

from pytest_interp.plugin.asked import Target
from pytest_interp.plugin.targets import target_of

_CASE = "interp_case"
"""Attribute of a report: the test without its backend, and the backend."""
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_ROUNDING = 0.00101
"""Numbers are shown with three decimals: near ones may differ by one in the last."""


class _Same(TerminalRepr):
    """What is shown in place of a failure that was shown already."""

    def __init__(self, crash: ReprFileLocation, backend: str, first: str) -> None:
        self.reprcrash = crash
        self.text = f"{crash.message.splitlines()[0]}\nthe same under {backend} as in {first}"

    def toterminal(self, tw: TerminalWriter) -> None:
        tw.line(self.text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say which case of a test a failure is: a report has no more than its node id."""
    report = yield
    target = target_of(item)
    if report.failed and target is not None and target.backend is not None:
        test = item.nodeid.replace(str(target), str(Target(target.model, None)))
        setattr(report, _CASE, [test, target.backend])
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Shorten the repeated failures, before pytest prints them all."""
    terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    for outcome in ("failed", "error") if terminal is not None else ():
        shown: dict[object, list[Any]] = {}
        for report in terminal.stats.get(outcome, []):
            case = getattr(report, _CASE, None)
            crash: Any = getattr(report.longrepr, "reprcrash", None)
            if case is None or not getattr(crash, "message", ""):
                continue
            test, backend = case
            alike = shown.setdefault((test, report.when, crash.path, crash.lineno), [])
            first = next((one for one in alike if _is_same(one, report)), None)
            if first is None:
                alike.append(report)
            else:
                report.longrepr = _Same(crash, backend, first.nodeid)


def _is_same(first: Any, second: Any) -> bool:
    """Whether two failures say the same, numbers as they are shown but for their rounding."""
    texts = [report.longrepr.reprcrash.message for report in (first, second)]
    words = [_NUMBER.sub("#", text).split() for text in texts]  # a sign takes a space in a table
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in texts]
    return words[0] == words[1] and all(
        math.isclose(a, b, rel_tol=0.0, abs_tol=_ROUNDING) for a, b in zip(*numbers, strict=True)
    )
