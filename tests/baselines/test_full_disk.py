"""A disk that is full during an update, in a real run of pytest."""

import subprocess
import sys

import pytest

FULL = """
import resource

resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
"""


@pytest.mark.guarantee(
    "kept",
    "A disk that is full during an update leaves every entry as it was.",
    sees="An error that names the file, and no temporary file.",
)
def test_a_full_disk_during_a_whole_update(saved):
    before = saved.saved()
    saved.now(crossover=6)
    conftest = saved.path / "conftest.py"
    conftest.write_text(FULL)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--interp-update"]
    full = subprocess.run(command, cwd=saved.path, capture_output=True, text=True, check=False)
    assert full.returncode == pytest.ExitCode.TESTS_FAILED, full.stdout + full.stderr
    assert "[Errno 27] File too large). What was there is unchanged" in full.stdout
    assert "INTERNALERROR" not in full.stdout + full.stderr
    assert saved.saved() == before
    conftest.unlink()
    saved.run().assert_outcomes(passed=1, failed=1)
    saved.run("--interp-update").assert_outcomes(passed=2)
    saved.run().assert_outcomes(passed=2)
