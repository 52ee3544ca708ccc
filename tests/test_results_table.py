"""The table of all models in the documentation says what the baselines say."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_is_that_of_the_baselines():
    script = runpy.run_path(str(DOCS / "make_results.py"))
    shown = script["TABLE"].read_text(encoding="utf-8")
    assert shown == script["table"](), "baselines changed: run python docs/make_results.py"
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    for name, row in script["FIGURES"].items():
        saved = script["file"](script["ROWS"][row][3], "gemma3-270m", "png")
        assert (script["OUT"] / f"{name}.png").read_bytes() == saved.read_bytes()
        assert f"assets/results/{name}.png" in page
