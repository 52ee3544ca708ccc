"""The page of guarantees is what the tests say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_of_guarantees_is_what_the_tests_say():
    script = ROOT / "docs" / "make_guarantees.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
