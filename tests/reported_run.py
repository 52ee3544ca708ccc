"""Runs of specs that load no model, for tests of what is reported of them."""

from pathlib import Path

from baseline_project import Project

from pytest_interp.report.reading import read_run

CLAIMS = '''
"""What the planted model knows."""

import pytest
from pytest_interp.claims import Status, Verdict, conclude
from pytest_interp.claims.verdict import Estimate
from pytest_interp.results.control import Control

pytestmark = pytest.mark.interp(model="planted-gpt2")


def claim(target, value, status=None, claimed="at least 0.80", **more):
    passed = Status.PASSED if value >= 0.8 else Status.FAILED
    conclude(
        Verdict(
            "the fact sits on the subject", status or passed, "It does or does not.", 37, 2,
            effect=Estimate(value, value - 0.1, value + 0.1, "layer 7, subject"),
            threshold=0.8, margin=value - 0.8, confidence=0.95, claimed=claimed,
            controls=(Control("random", 0.1, 0.3), Control("shuffled", None, 1.0, "no seed")),
            models=(target.model,), backends=(target.backend,), **more,
        )
    )
'''
"""The head of a spec: ``claim(interp_target, 0.9)`` passes with a margin of 0.1."""


class ReportedRun(Project):
    """A folder whose specs claim things about results whose numbers the tests choose."""

    def __init__(self, pytester):
        super().__init__(pytester)
        (self.path / "specs" / "test_a.py").unlink()

    def claims(self, text, name="test_c"):
        """A spec of the planted model; nothing is loaded for it."""
        (self.path / "specs" / f"{name}.py").write_text(CLAIMS + text)

    def comparing(self):
        """A spec that compares a lens whose numbers ``now`` sets."""
        self.spec(
            "test_b",
            """
            import json
            from made_results import lens
            from pathlib import Path

            now = json.loads((Path(__file__).parent.parent / "now.json").read_text())

            def test_lens(baseline):
                baseline.check(lens(**now))
            """,
        )

    def report(self, *arguments, run=None):
        """The record of a run, from its JSON report."""
        (run or self.run)("--interp-report-json=run.json", *arguments)
        return read_run(Path("run.json"))
