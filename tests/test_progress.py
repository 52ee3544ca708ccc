"""The progress bar of the command line, and the words of every bar."""

import io
import sys

import pytest

from pytest_interp.progress import Bars, listening, progress_bar, report


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
    assert "\r0/4 [00:00<?] patching" in text
    assert text.rstrip(" ").endswith("\r")  # taken away again
    assert "afterwards" not in text


def test_no_bar_elsewhere(monkeypatch):
    assert shown(monkeypatch, io.StringIO()) == ""


@pytest.mark.guarantee(
    "messages",
    "A narrow terminal cuts the name of long work and not its numbers.",
    sees="The count and the time that is left first, then what is done.",
)
def test_count_and_time_left_come_first_where_a_line_is_narrow():
    stream = io.StringIO()
    bars = Bars(file=stream, ncols=80)
    with listening(bars):
        report("comparing " + "x" * 100, 3, 40)
    bars.close()
    line = stream.getvalue().split("\r")[1]
    assert line.startswith("0/40 [00:00<?] comparing x")
    assert len(line) == 80
    bars.close()  # once more is nothing


def test_work_that_ends_makes_room_and_work_in_between_goes_on():
    stream = io.StringIO()
    bars = Bars(file=stream, mininterval=0)
    with listening(bars):
        for i in range(3):
            report("outer", i, 3)
            report("inner", 0, 1)
            report("inner", 1, 1)
        report("outer", 3, 3)
    assert stream.getvalue().count("0/1") == 3
    assert "2/3" in stream.getvalue()
    assert not bars._open
