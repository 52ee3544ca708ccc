"""Users' own snapshots and regression files beside baselines."""

import re
from pathlib import Path

import pytest
from made_results import lens

import pytest_interp.baselines.check  # noqa: F401 - runs inside of this process share it
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import write_together
from pytest_interp.baselines.store import Slot
from pytest_interp.figures import draw

MINE = """
    from made_results import lens

    def test_snapshot(snapshot):
        assert {{"a": {value}}} == snapshot

    def test_data(data_regression):
        data_regression.check({{"a": {value}}})

    def test_both(snapshot, data_regression{fixture}):
        assert [{value}] == snapshot
        data_regression.check([{value}])
        {check}
"""


class Project:
    def __init__(self, pytester):
        self.pytester = pytester
        pytester.makeini("[pytest]\npythonpath = " + str(Path(__file__).parent.parent))

    def write(self, value, with_baseline):
        fixture, check = (", baseline", "baseline.check(lens())") if with_baseline else ("", "")
        self.pytester.makepyfile(test_x=MINE.format(value=value, fixture=fixture, check=check))

    def run(self, *arguments):
        result = self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)
        return result, [line for line in result.outlines if re.match(r"\d+ .*snapshot", line)]

    def files(self):
        root = self.pytester.path
        return {
            str(p.relative_to(root)): p.read_bytes()
            for p in root.rglob("*")
            if p.is_file() and p.suffix in (".ambr", ".yml") and "runpytest" not in str(p)
        }


@pytest.fixture
def project(pytester, monkeypatch):
    # in a worker of xdist, syrupy leaves its summary to the controller
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return Project(pytester)


def test_users_files_fare_as_without_this_plugin(project):
    slot = Slot(project.pytester.path / "baselines" / "test_x", "test_both--made")
    write_together({slot.numbers: Entry.of(lens()).dumps().encode()})
    write_together({slot.raster: draw(lens()).raster})
    write_together({slot.picture: draw(lens()).picture})
    steps = [
        (1, ()),
        (1, ("--snapshot-update",)),
        (1, ()),
        (2, ()),
        (2, ("--force-regen",)),
        (2, ("--snapshot-update", "--regen-all")),
        (2, ("test_x.py::test_snapshot", "--snapshot-update")),
        (2, ()),
    ]
    lives = []
    for with_baseline in (False, True):
        seen = []
        for value, arguments in steps:
            project.write(value, with_baseline)
            result, lines = project.run(*arguments)
            seen.append((arguments, result.parseoutcomes(), lines, project.files()))
        lives.append(seen)
        for name in project.files():
            (project.pytester.path / name).unlink()
    for without, beside in zip(*lives, strict=True):
        assert beside == without
    assert lives[0][-1][1] == {"passed": 3}


def test_unused_snapshots_of_users_are_still_found(project):
    project.write(1, True)
    project.run("--snapshot-update", "--interp-update")
    project.run("--regen-all")
    text = (project.pytester.path / "test_x.py").read_text()
    (project.pytester.path / "test_x.py").write_text(
        text.replace("assert {", "#").replace("def test_snapshot(snapshot)", "def test_snapshot()")
        .replace('#"a": 1} == snapshot', "pass")
    )  # fmt: skip
    result, lines = project.run()
    assert any("1 snapshot unused" in line for line in lines)
    assert result.ret == 1
    _, lines = project.run("--snapshot-update")
    assert any("1 unused snapshot deleted" in line for line in lines)
    assert (project.pytester.path / "baselines/test_x/test_both--made.json").is_file()
