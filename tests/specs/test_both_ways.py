"""Every spec file of the project serves both ways: in pytest, and by ``pytest-interp run``.

Those that ask for what a package adds do so where it is installed: tests/extending.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from pytest_interp.cli import main

ROOT = Path(__file__).parents[2]
PAGES = {ROOT / "README.md", *ROOT.glob("docs/*.md")} - {ROOT / "docs" / "extending.md"}
FENCED = re.compile(r"^```yaml[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
SUFFIX = ".interp.yaml"

PLACES = ("configs", "examples/other_repo", "docs")
FILES = [file for place in PLACES for file in ROOT.glob(f"{place}/**/*{SUFFIX}")]
BLOCKS = [
    (page, block)
    for page in sorted(PAGES)
    for block in FENCED.findall(page.read_text("utf-8"))
    if re.search(r"^model:.*^experiment:", block, re.DOTALL | re.MULTILINE)
]
SPECS = {str(file.relative_to(ROOT)): file for file in sorted(FILES)}
SPECS |= {f"{page.name}:{n}": (page, block) for n, (page, block) in enumerate(BLOCKS, 1)}


SLOW = ("told_or_not", "gemma3")
"""The study of labelled prompts, and the larger model: the folder specs/ holds them as well."""


@pytest.fixture(
    params=[
        pytest.param(
            what, id=name, marks=[pytest.mark.slow] if any(part in name for part in SLOW) else []
        )
        for name, what in SPECS.items()
    ]
)
def spec(request, tmp_path, monkeypatch):
    """The spec in a copy of its project, and pytest's temporary folder as the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # what is put on the path meanwhile is gone after it
    monkeypatch.delitem(sys.modules, "conftest", raising=False)
    if isinstance(request.param, Path):
        project = next(p for p in request.param.parents if p.parent in (ROOT, ROOT / "examples"))
        copy = tmp_path / project.name
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("__pycache__"))
        return copy / request.param.relative_to(project)
    _, block = request.param
    file = tmp_path / f"page{SUFFIX}"
    file.write_text(block)
    return file


class Reports:
    """The reports of the tests in a run of pytest."""

    def __init__(self):
        self.passed, self.skipped, self.failed = [], [], []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or not report.passed:
            getattr(self, report.outcome).append(report)


def test_by_pytest(spec):
    reports = Reports()
    options = ["-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    if not list(spec.parents[1].glob("baselines/**/*.json")):
        options.append("--interp-update")
    status = pytest.main([*options, "--interp-backend=auto", str(spec)], [reports])
    assert not reports.failed, reports.failed[0].longreprtext
    assert status == 0
    if not reports.passed:
        pytest.skip(reports.skipped[0].longrepr[2])
    claims = yaml.safe_load(spec.read_text()).get("claims", [])
    assert len({report.location[2].partition("[")[0] for report in reports.passed}) >= len(claims)


def test_by_the_command(spec, capsys):
    settings = yaml.safe_load(spec.read_text())
    status = main(["run", settings["experiment"], "--config", str(spec)])
    said = capsys.readouterr()
    if status == 2 and "models fetch" in said.err:
        pytest.skip(said.err)
    assert status == 0, said.out + said.err
    assert said.out.count("  passed: ") == len(settings.get("claims", []))


def test_there_are_specs_of_all_places():
    places = {re.split("[/:]", name)[0] for name in SPECS}
    assert places >= {"configs", "examples", "yaml.md"}
