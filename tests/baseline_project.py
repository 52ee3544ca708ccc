"""Projects whose specs keep baselines, for tests in real pytest runs."""

import json
from pathlib import Path

# runs inside of this process import anew what it does not hold: a second each for matplotlib
import pytest_interp.baselines.check
import pytest_interp.figures.render  # noqa: F401
from pytest_interp.baselines.files import digest

SPECS = """
    import json
    import pytest
    from made_results import lens, trace
    from pathlib import Path

    now = json.loads((Path(__file__).parent.parent / "now.json").read_text())

    def test_lens(baseline):
        baseline.check(lens(**now))

    def test_trace(baseline):
        baseline.check(trace())
        baseline.check(trace(direction="noise"), name="noising")
"""
LENS = "baselines/specs/test_a/test_lens--made"
TRACE = "baselines/specs/test_a/test_trace--made"
FILES = {
    f"{stem}{suffix}"
    for stem in (LENS, TRACE, f"{TRACE}--noising")
    for suffix in (".json", ".png", ".raster.png")
}


class Project:
    """A folder with specs on results whose numbers the tests choose."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path
        pytester.makeini("[pytest]\npythonpath = " + str(Path(__file__).parent))
        self.spec("test_a", SPECS)
        self.now()

    def spec(self, name, text):
        self.pytester.makepyfile(**{f"specs/{name}": text})

    def now(self, **values):
        (self.path / "now.json").write_text(json.dumps(values))

    def redrawn(self, stem, raster, **drawn_with):
        """As if an update had drawn this raster, and maybe with other versions of libraries."""
        (self.path / f"{stem}.raster.png").write_bytes(raster)
        numbers = self.path / f"{stem}.json"
        data = json.loads(numbers.read_text())
        data["figure"]["raster"] = digest(raster)
        data["figure"]["drawn_with"] |= drawn_with
        numbers.write_text(json.dumps(data))

    def without_figure_record(self, stem):
        """As if an earlier version had saved it."""
        numbers = self.path / f"{stem}.json"
        data = json.loads(numbers.read_text())
        del data["figure"]
        numbers.write_text(json.dumps(data))

    def run(self, *arguments):
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    def worker_run(self, *arguments):
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    def saved(self):
        root = self.path / "baselines"
        return {
            str(p.relative_to(self.path)): p.read_bytes() for p in root.rglob("*") if p.is_file()
        }


def text(result):
    return "\n".join(result.outlines)


def with_a_third(project):
    """One more test without a baseline, which an update would write if it ran."""
    project.spec("test_b", "from made_results import lens\ndef test_b(baseline):\n"
                 "    baseline.check(lens())\n")  # fmt: skip


def without_trace(project):
    """The first spec without its second test."""
    head, _ = SPECS.split("    def test_trace")
    project.spec("test_a", head)
