"""The progress bar of the command line."""

import io
import sys

from pytest_interp.cli.bar import progress_bar
from pytest_interp.progress import report


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar():
        report("patching", 0, 4)
        report("patching", 2, 4)
        report("patching", 4, 4)
    report("afterwards", 1, 1)
    return stream.getvalue()


def test_bar_on_a_terminal(monkeypatch):
    text = shown(monkeypatch, Terminal())
    assert "patching: " in text
    assert "0/4" in text
    assert "afterwards" not in text


def test_no_bar_elsewhere(monkeypatch):
    assert shown(monkeypatch, io.StringIO()) == ""
