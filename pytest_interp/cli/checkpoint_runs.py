"""The specs on one checkpoint, each in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pytest_interp.errors import ReportError
from pytest_interp.report.reading import read_run
from pytest_interp.report.run import RunRecord

_TAIL = 30
"""Lines of a run that did not work which are shown."""
_TESTS_RAN = (0, 1)
"""Exit statuses of pytest after which there is something to compare."""


def run_specs(name: str, source: str, specs: Sequence[str], more: Sequence[str] = ()) -> RunRecord:
    """Run the specs of a model on a checkpoint.

    A process of its own for each checkpoint: no weights and no results of one are there when the
    other is measured.

    Args:
        name: of the model, as the specs name it.
        source: what stands in for it: a folder, a hub id or a registered name.
        specs: files and folders, as pytest takes them; none for those that the project names.
        more: further arguments for pytest.

    Raises:
        ReportError: pytest could not run them, or no test is on that model.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "run.json"
        command = [sys.executable, "-m", "pytest", *specs, "-q", "--tb=line", "-p"]
        command += ["no:cacheprovider", "--interp-only", name]
        command += ["--interp-model", f"{name}={source}", "--interp-report-json", str(report)]
        done = subprocess.run(
            [*command, *more], capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode not in _TESTS_RAN or not report.exists():
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL:])
            raise ReportError(
                f"the specs of {name} did not run on {source}: pytest ended with status "
                f"{done.returncode}. It said:\n{said}"
            )
        return read_run(report)
