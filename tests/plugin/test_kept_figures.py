"""A figure that is read back is compared with the saved one, as one that is drawn."""

from __future__ import annotations

import json

import pytest
from PIL import Image

# runs inside of this process import anew what it does not hold: a second each for matplotlib
import pytest_interp.baselines.check
import pytest_interp.figures.render  # noqa: F401
from pytest_interp.baselines.files import digest
from pytest_interp.store import drawings

CHECKED = """
@pytest.mark.interp(backends=["transformer_lens"])
def test_checked(trace, baseline):
    baseline.check(trace(FACT, layers=[0, 1], controls=False))
"""


@pytest.mark.guarantee(
    "red",
    "A figure that is read back is compared with the saved one, as one that is drawn.",
    sees="the figure looks different, by how much, and the command that draws it anew",
)
def test_another_saved_figure_is_told(everything_is_imported, pytester, spec, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(pytester.path / "kept"))
    read = []

    class Kept(drawings.KeptDrawing):
        def __init__(self, *given):
            super().__init__(*given)
            read.append(self)

    monkeypatch.setattr(drawings, "KeptDrawing", Kept)

    def run(*args):
        off = ("-p", "no:cacheprovider", "-p", "no:xdist")
        return pytester.runpytest_inprocess(*off, "--interp-cache=on", *args)

    spec(CHECKED)
    run("--interp-update=missing").assert_outcomes(passed=1)
    assert not read
    (raster,) = pytester.path.rglob("*.raster.png")
    Image.open(raster).point(lambda value: value // 2).save(raster)
    numbers = raster.with_name(raster.name.replace(".raster.png", ".json"))
    saved = json.loads(numbers.read_text())
    saved["figure"]["raster"] = digest(raster.read_bytes())
    numbers.write_text(json.dumps(saved))
    found = run()
    assert len(read) == 1
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*the figure looks different*"])
