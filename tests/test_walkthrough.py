"""The walk-through of the documentation runs, and its assertions hold."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from pytest_interp.errors import WeightsUnavailableError

NOTEBOOK = Path(__file__).parents[1] / "docs" / "walkthrough.py"


def test_the_walkthrough_runs(capsys):
    try:
        runpy.run_path(str(NOTEBOOK))
    except WeightsUnavailableError as missing:
        pytest.skip(str(missing))
    assert "head.23.8" in capsys.readouterr().out  # it came to its last cells
