"""The live line of progress: on a terminal, for long work, and nowhere else."""

import os
import pty
import re
import subprocess
import sys

import pytest

SLOW = """
import time
from pytest_interp.progress import report

def test_slow():
    for i in range(15):
        report("tracing", i, 15)
        time.sleep(0.1)

def test_fast():
    report("loading", 0, 1)
"""


def run_on_a_terminal(
    pytester: pytest.Pytester, *args: str, source: str = SLOW, **environment: str
) -> str:
    """Run pytest on a pseudo terminal and return all that it wrote there."""
    pytester.makepyfile(source)
    ours, theirs = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name not in {"CI", "COLUMNS"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=pytester.path,
        env={**variables, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    chunks = []
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # Linux says so that the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(ours)
    assert process.wait() == 0, b"".join(chunks).decode()
    # pytest 9.0 tells some terminals how far it is, in words that they do not show
    return re.sub(r"\x1b\]9;4;[^\x1b]*\x1b\\", "", b"".join(chunks).decode())


BEFORE, AGAIN = "\x1b7\x1b[K", "\x1b8\x1b[K"  # where pytest stopped, and there once more


@pytest.mark.parametrize("capture", ["-v", "-s"])
def test_shown_for_long_work_and_erased(pytester, capture):
    written = run_on_a_terminal(pytester, capture)
    # when it is first drawn, and how far the work is by then, is up to the machine
    assert re.search(re.escape(BEFORE) + r" +\d+/15 \[00:0\d<00:0\d\] tracing", written)
    assert "loading" not in written
    assert "\r1" not in written  # tqdm does not go to the margin
    # the last word is erased before the result of the test is written
    _, _, after = written.rpartition("tracing")
    assert after.startswith(AGAIN + ("PASSED" if capture == "-v" else "."))


def test_cut_at_the_edge_of_a_narrow_terminal(pytester):
    """The line has what pytest left of 80 columns, also where pytest itself needed two lines."""
    name = "test_" + "long_" * 12 + "name"
    slow = SLOW.replace("test_slow", name).replace('"tracing"', '"tracing " + "x" * 99')
    written = run_on_a_terminal(pytester, "-v", source=slow)
    (item,) = re.findall(rf"\S+::{name} ", written)
    lines = re.findall(r"\x1b\[K( 1\d/15[^\x1b]*)", written)
    assert lines
    assert {len(line) for line in lines} == {79 - len(item) % 80}


@pytest.mark.parametrize(("args", "environment"), [(["-q"], {}), ([], {"CI": "true"})])
def test_silent_when_asked_to_be(pytester, args, environment):
    assert "tracing" not in run_on_a_terminal(pytester, *args, **environment)


def test_silent_without_a_terminal(pytester):
    pytester.makepyfile(SLOW)
    result = pytester.runpytest_subprocess("-s")
    result.assert_outcomes(passed=2)
    assert "tracing" not in result.stdout.str() + result.stderr.str()
