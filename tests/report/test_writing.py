"""Where reports are written, and what happens where they cannot be."""

import json
import os
from pathlib import Path

import pytest

from pytest_interp.plugin.report import WRITERS

PASSES = "def test_it(interp_target): claim(interp_target, 0.9)"
SLOW = "\ndef test_stop(interp_target): raise KeyboardInterrupt"
ALSO = pytest.mark.guarantee(
    "files",
    "A report is written whole also where tests fail or the run is interrupted.",
    sees="The tests that ran; an older report stays until the new one is whole.",
)
PLACE = pytest.mark.guarantee(
    "files",
    "A place where a report cannot be written is found before the run.",
    sees="No test runs; the path, what is wrong, and what to give instead.",
)


@ALSO
@pytest.mark.parametrize("more", ["\ndef test_false(interp_target): claim(interp_target, 0)", SLOW])
def test_a_run_that_is_not_green_is_reported(project, more):
    project.claims(PASSES + more)
    Path("run.json").write_text("older")
    found = project.report("--interp-backend=nnsight", run=project.worker_run)
    assert found.exit_status == (2 if more == SLOW else 1)
    assert found.tests[0].outcome == "passed"
    assert [path.name for path in Path().glob("*run.json*")] == ["run.json"]


def test_a_missing_folder_is_made_and_a_run_without_specs_reported(project):
    project.spec("test_x", "def test_x(): pass")
    result = project.run("--interp-report-json=new/folder/run.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["interp: report written: new/folder/run.json"])
    assert json.loads(Path("new/folder/run.json").read_text())["tests"] == []


def test_the_ini_file_counts_from_its_own_folder(project):
    project.claims(PASSES)
    ini = project.path / "pytest.ini"
    project.path.joinpath("tox.ini").rename(ini)
    ini.write_text(ini.read_text() + "\ninterp_report_json = ini.json\n")
    os.chdir("specs")
    project.run()
    assert json.loads((project.path / "ini.json").read_text())["tests"]
    project.run("--interp-report-json=given.json")
    assert (project.path / "specs" / "given.json").exists()


@PLACE
def test_a_folder_or_a_file_on_the_way_is_refused(project):
    project.claims(PASSES)
    for path, says in (
        ("specs", "it is a folder. Give the path of a file"),
        ("specs/test_c.py/run.json", "specs/test_c.py is no folder. Give another path"),
    ):
        result = project.run(f"--interp-report-json={path}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: the report {path} cannot be written: *{says}"])
        result.stdout.no_fnmatch_line("*passed*")


@PLACE
def test_a_place_without_permission_is_refused(project, monkeypatch):
    project.claims(PASSES)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    result = project.run("--interp-report-json=run.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the report run.json *: nothing may be written there.*"])


@ALSO
def test_a_report_that_cannot_be_written_in_the_end_fails_the_run(project):
    project.claims(PASSES + "; __import__('pathlib').Path('run.json').mkdir()")
    result = project.run("--interp-report-json=run.json", "--interp-backend=nnsight")
    result.assert_outcomes(passed=1)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["interp: ERROR: the report run.json could not be written (*"])


def test_numbers_and_figures_are_gathered_only_for_a_report(project):
    project.comparing()
    (project.path / "conftest.py").write_text(
        """
def pytest_runtest_logreport(report):
    if hasattr(report, "interp_test"):
        (result,) = report.interp_test["results"]
        state = result["baseline"]["state"]
        print("gathered", state, bool(result["result"]), bool(result["figure"]))
"""
    )
    project.run("-s").stdout.fnmatch_lines(["*gathered new False False"])
    project.run("-s", "--interp-report-json=r.json").stdout.fnmatch_lines(
        ["*gathered new True True"]
    )


def test_each_row_of_the_table_has_an_option_and_a_function(pytester):
    from pkgutil import resolve_name

    text = pytester.runpytest_inprocess("--help").stdout.str()
    for writer in WRITERS:
        assert writer.option in text
        assert writer.name in text
        assert callable(resolve_name(writer.render))
