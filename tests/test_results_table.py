"""The table of all models in the documentation says what the baselines say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.guarantee(
    "kept",
    "Every number in the table of all models (docs/results.md) comes from a committed baseline.",
    sees="Baselines that moved without the table; the command that writes it anew.",
)
def test_the_table_is_that_of_the_baselines():
    script = runpy.run_path(str(DOCS / "make_results.py"))
    shown = script["TABLE"].read_text(encoding="utf-8")
    assert shown == script["table"](), "baselines changed: run python docs/make_results.py"
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    for name, row in script["FIGURES"].items():
        saved = script["file"](script["ROWS"][row][3], "gemma3-270m", "png")
        assert (script["OUT"] / f"{name}.png").read_bytes() == saved.read_bytes()
        assert f"assets/results/{name}.png" in page
