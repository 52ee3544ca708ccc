"""The live line of progress: on a terminal, for long work, and nowhere else."""

import os
import pty
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


def run_on_a_terminal(pytester: pytest.Pytester, *args: str, **environment: str) -> str:
    """Run pytest on a pseudo terminal and return all that it wrote there."""
    pytester.makepyfile(SLOW)
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
    return b"".join(chunks).decode()


@pytest.mark.parametrize("capture", ["-v", "-s"])
def test_shown_for_long_work_and_erased(pytester, capture):
    written = run_on_a_terminal(pytester, capture)
    assert "\x1b7\x1b[K tracing 1" in written
    assert "loading" not in written
    before, _, after = written.rpartition("tracing")
    assert before
    # the last word is erased before the result of the test is written
    assert after.startswith((" 13/15\x1b8\x1b[K", " 14/15\x1b8\x1b[K"))


@pytest.mark.parametrize(("args", "environment"), [(["-q"], {}), ([], {"CI": "true"})])
def test_silent_when_asked_to_be(pytester, args, environment):
    assert "tracing" not in run_on_a_terminal(pytester, *args, **environment)


def test_silent_without_a_terminal(pytester):
    pytester.makepyfile(SLOW)
    result = pytester.runpytest_subprocess("-s")
    result.assert_outcomes(passed=2)
    assert "tracing" not in result.stdout.str() + result.stderr.str()
