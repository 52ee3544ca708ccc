"""Pruning keeps what it cannot attribute: entries of other projects, and of tests left out."""

import shutil

import pytest
from baseline_project import FILES, LENS, TRACE, text, without_trace

from pytest_interp.errors import BaselineError
from pytest_interp.plugin import pruning

OF_TRACE = {name for name in FILES if name.startswith(TRACE)}


def files_in(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def elsewhere(saved, tmp_path):
    """The project's baselines, in a folder outside of rootdir."""
    folder = tmp_path / "kept"
    shutil.move(saved.path / "baselines", folder)
    with (saved.path / "tox.ini").open("a") as ini:
        ini.write(f"\ninterp_baseline_dir = {folder}")
    return folder


def named(project, name):
    with (project.path / "tox.ini").open("a") as ini:
        ini.write(f"\ninterp_baseline_owner = {name}")


@pytest.mark.guarantee(
    "kept",
    "Pruning never deletes baselines of another project in a folder that projects share.",
    sees="`nothing was pruned`, whose the folder is, and what to write where it is this project's.",
)
@pytest.mark.parametrize("record", [None, "", "other"])
def test_a_folder_outside_is_pruned_only_where_it_says_that_it_is_ours(saved, elsewhere, record):
    without_trace(saved)
    named(saved, "ours")
    if record is not None:
        (elsewhere / ".interp-owner").write_text(record)
    before = files_in(elsewhere)
    result = saved.run("--interp-prune")
    result.assert_outcomes(passed=1)
    assert f"nothing was pruned: {elsewhere} " in text(result)
    assert "interp_baseline_owner" in text(result)
    assert files_in(elsewhere) == before
    (elsewhere / ".interp-owner").write_text("ours\n")
    result = saved.run("--interp-prune")
    assert f"  {elsewhere}/specs/test_a/test_trace--made.json" in text(result)
    assert "deleted 6 of 6 files" in text(result)
    assert len(files_in(elsewhere)) == 4


def test_the_first_update_records_whose_an_empty_folder_is(saved, elsewhere):
    named(saved, "ours")
    shutil.rmtree(elsewhere)
    saved.run("--interp-update").assert_outcomes(passed=2)
    assert (elsewhere / ".interp-owner").read_text() == "ours\n"
    without_trace(saved)
    saved.run("--interp-prune").assert_outcomes(passed=1)
    assert len(files_in(elsewhere)) == 4


def test_a_folder_that_held_entries_is_not_taken(saved, elsewhere):
    named(saved, "ours")
    saved.now(crossover=6)
    saved.run("--interp-update").assert_outcomes(passed=2)
    assert (elsewhere / ".interp-owner").read_text() == "\n"


@pytest.mark.guarantee(
    "kept",
    "A folder of baselines that says whose it is takes no baselines of another project.",
    sees="An error that names the folder and the project that it belongs to.",
)
def test_an_update_does_not_write_among_those_of_another_project(saved, elsewhere):
    (elsewhere / ".interp-owner").write_text("other\n")
    before = {p: p.read_bytes() for p in elsewhere.rglob("*") if p.is_file()}
    saved.now(crossover=6)
    result = saved.run("--interp-update")
    result.assert_outcomes(passed=2, errors=1)
    assert "it belongs to the project 'other'" in text(result)
    assert {p: p.read_bytes() for p in elsewhere.rglob("*") if p.is_file()} == before


@pytest.mark.guarantee(
    "kept",
    "Pruning keeps the baselines of tests that a condition left out of the run.",
    sees="A list of them apart from the others; `--interp-prune=all` deletes them as well.",
)
@pytest.mark.parametrize("left_out", ["test", "parameter"])
def test_tests_that_an_environment_variable_left_out_keep_their_baselines(
    project, monkeypatch, left_out
):
    project.spec(
        "test_a",
        """
        import os
        import pytest
        from made_results import lens

        ALL = "FEW" not in os.environ

        @pytest.mark.parametrize("i", [1, 2] if ALL else [1])
        def test_lens(baseline, i):
            baseline.check(lens())
        """
        if left_out == "parameter"
        else """
        import os
        from made_results import lens

        def test_first(baseline):
            baseline.check(lens())

        if "FEW" not in os.environ:
            def test_second(baseline):
                baseline.check(lens())
        """,
    )
    project.run("--interp-update").assert_outcomes(passed=2)
    before = project.saved()
    monkeypatch.setenv("FEW", "1")
    result = project.run("--interp-prune")
    assert "may have left them or their parameters out. --interp-prune=all deletes" in text(result)
    assert project.saved() == before
    project.run("--interp-prune=all")
    assert len(project.saved()) == 3


def refuse(*_):
    raise BaselineError("refused")


@pytest.mark.guarantee(
    "kept",
    "Pruning lists what it deletes before it deletes it.",
    sees="The list, then how many files were deleted.",
)
def test_nothing_is_deleted_before_it_is_listed(saved, monkeypatch):
    without_trace(saved)
    with monkeypatch.context() as patch:
        patch.setattr(pruning.store, "remove", refuse)
        result = saved.run("--interp-prune")
    assert all(f"  {name}" in result.outlines for name in OF_TRACE)
    assert "not everything was pruned: refused" in text(result)
    assert set(saved.saved()) == FILES
    lines = saved.run("--interp-prune").outlines
    at = lines.index("deleted 6 of 6 files")
    assert {f"  {name}" for name in OF_TRACE} == set(lines[at - 6 : at])
    assert set(saved.saved()) == {name for name in FILES if name.startswith(LENS)}
