"""The page of guarantees is what the tests say."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MARK = 'pytest.mark.guarantee("green", "It holds.", sees="A number.")'


def test_the_page_of_guarantees_is_what_the_tests_say():
    script = ROOT / "docs" / "make_guarantees.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def rows(tmp_path):
    """The rows of one test module."""
    found = runpy.run_path(str(ROOT / "docs" / "make_guarantees.py"))["rows"]

    def rows(source: str) -> list[str]:
        file = tmp_path / "tests" / "test_it.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"import pytest\n{source}")
        return [row.test for row in found(tmp_path)]

    return rows


def test_a_mark_may_have_a_name(rows):
    source = f"KEPT = {MARK}\n@KEPT\ndef test_a(): ...\n@KEPT\ndef test_b(): ...\n@{MARK}\n"
    tests = [f"tests/test_it.py::test_{name}" for name in "abc"]
    assert rows(source + "def test_c(): ...\n") == tests


@pytest.mark.parametrize("lost", [f"KEPT = {MARK}\n", f"marks = [{MARK}]\n"])
def test_a_mark_that_would_be_left_out_is_an_error(rows, lost):
    with pytest.raises(SystemExit, match=r"test_it\.py:2: this mark stands at no test"):
        rows(lost)
