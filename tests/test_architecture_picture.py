"""The picture of the layers says what the import contract says."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "docs" / "make_architecture.py"


def test_the_picture_is_that_of_the_contract():
    script = runpy.run_path(str(SCRIPT))
    rows = script["layers"]()
    assert script["PICTURE"].read_text(encoding="utf-8") == script["draw"](rows), (
        "the layers changed: run python docs/make_architecture.py"
    )
    assert {name for row in rows for name in row} <= script["WHAT"].keys()
