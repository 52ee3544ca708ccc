"""Ctrl-C in a trace, in a real run of pytest."""

import signal
import subprocess
import sys
import time

import pytest

ENDLESS = """
from pathlib import Path

def test_first(trace, baseline):
    baseline.check(trace(FACT, controls=False))

def test_endless(trace, baseline):
    while True:
        result = trace(FACT, controls=False)
        if Path("slow").exists():
            Path("started").touch()
            continue
        baseline.check(result)
        break
"""


def interrupted(run):
    """What a run says that is interrupted, again where Python was in a finaliser and ignored it."""
    for _ in range(3):
        run.send_signal(signal.SIGINT)
        try:
            return run.communicate(timeout=40)[0]
        except subprocess.TimeoutExpired:
            continue
    run.kill()
    raise AssertionError(run.communicate()[0])


@pytest.mark.guarantee(
    "kept",
    "Ctrl-C in the middle of a trace ends the run as pytest does, and leaves nothing half-written.",
    sees="Exit status 2 and `KeyboardInterrupt`; the next run is green.",
)
@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
def test_ctrl_c_in_a_trace(pytester, spec, backend):
    spec(ENDLESS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--interp-update"]
    command += [f"--interp-backend={backend}", "-o", f"interp_reference_backend={backend}"]
    slow, started = pytester.path / "slow", pytester.path / "started"
    slow.touch()
    run = subprocess.Popen(
        command,
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        text=True,
        # a shell lets what it runs in the background ignore Ctrl-C, and its children after it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    out = interrupted(run)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, out
    assert "KeyboardInterrupt" in out
    assert "INTERNALERROR" not in out
    left = [file.name for file in pytester.path.rglob("baselines/**/*") if file.is_file()]
    assert not [name for name in left if not name.endswith((".json", ".png"))]
    slow.unlink()
    for given in (command, [one for one in command if one != "--interp-update"]):
        again = subprocess.run(
            given, cwd=pytester.path, capture_output=True, text=True, check=False
        )
        assert again.returncode == 0, again.stdout
