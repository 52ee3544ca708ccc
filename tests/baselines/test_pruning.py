"""Obsolete baselines: listed after complete runs, deleted on demand alone."""

from pathlib import Path

import pytest
from baseline_project import FILES, LENS, SPECS, TRACE, text, with_a_third, without_trace
from made_results import lens

from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import write_together
from pytest_interp.baselines.store import Slot
from pytest_interp.plugin.pruning import obsolete
from pytest_interp.plugin.records import Record


def test_obsolete_files_are_listed_and_only_pruned_on_demand(saved):
    without_trace(saved)
    gone = {name for name in FILES if name.startswith(TRACE)}
    result = saved.run("--interp-update")
    result.assert_outcomes(passed=1)
    assert "no test asks for these any more. --interp-prune deletes them:" in text(result)
    assert all(name in text(result) for name in gone)
    assert set(saved.saved()) == FILES
    result = saved.run("--interp-prune")
    assert "no test asks for these any more. Deleted:" in text(result)
    assert "deleted 6 of 6 files" in text(result)
    assert set(saved.saved()) == FILES - gone


def test_the_baselines_of_a_deleted_spec_are_obsolete(saved):
    with_a_third(saved)
    saved.run("--interp-update=missing").assert_outcomes(passed=3)
    (saved.path / "specs/test_b.py").unlink()
    # strictness changes nothing about what is run
    saved.run("specs", "--strict-markers", "--interp-prune").assert_outcomes(passed=2)
    assert set(saved.saved()) == FILES
    assert not (saved.path / "baselines/specs/test_b").exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["specs/test_a.py"], "only specs/test_a.py was run"),
        (["-k", "lens"], "filtered by -k"),
        (["-m", "not slow"], "filtered by -m"),
        (["--ignore", "specs/x"], "filtered by --ignore"),
        (["--lf", "-p", "cacheprovider"], "filtered by --last-failed"),
        (["-o", "python_functions=test_lens"], "filtered by -o"),
        (["--interp-model", "x"], "filtered by --interp-model"),
        (["--interp-backend", "nnsight"], "restricted to the backend nnsight"),
    ],
)
def test_an_incomplete_run_lists_and_prunes_nothing(saved, arguments, why):
    without_trace(saved)
    if "--lf" in arguments:
        result = saved.pytester.runpytest_inprocess("--lf", "--interp-prune")
    else:
        result = saved.run(*arguments, "--interp-prune")
    assert f"nothing was pruned: {'' if 'only' in why else 'the run was '}{why}" in text(result)
    assert "no test asks for these" not in text(saved.run(*arguments))
    assert set(saved.saved()) == FILES


@pytest.mark.guarantee(
    "kept",
    "A run that is not green prunes no baseline.",
    sees="`nothing was pruned: the run was not green`.",
)
def test_a_red_run_deletes_nothing_of_a_test_that_is_gone(saved):
    saved.spec("test_a", SPECS.replace("def test_lens", "def test_other"))
    saved.spec("test_b", "def test_b(): assert 0")
    before = saved.saved()
    result = saved.run("--interp-update=missing", "--interp-prune")
    assert "nothing was pruned: the run was not green" in text(result)
    assert before.items() <= saved.saved().items()


def test_a_run_that_stops_early_deletes_nothing(saved):
    saved.now(crossover=6)
    before = saved.saved()
    saved.run("-x", "--interp-prune").assert_outcomes(failed=1)
    assert saved.saved() == before


def test_tests_that_a_conftest_leaves_out_keep_their_baselines(saved):
    saved.pytester.makeconftest("def pytest_collection_modifyitems(items):\n    del items[1:]\n")
    result = saved.run("--interp-prune")
    result.assert_outcomes(passed=1)
    assert "nothing was pruned: tests were deselected" in text(result)
    assert set(saved.saved()) == FILES
    saved.pytester.makeconftest("collect_ignore = ['specs/test_a.py']")
    with_a_third(saved)
    saved.run("--interp-update=missing", "--interp-prune").assert_outcomes(passed=1)
    assert set(saved.saved()) >= FILES


@pytest.mark.parametrize("mark", ["skip", "xfail"])
def test_a_test_that_did_not_run_to_its_end_keeps_its_baselines(saved, mark):
    saved.spec(
        "test_a",
        SPECS.replace("    def test_trace", f"    @pytest.mark.{mark}\n    def test_trace").replace(
            "baseline.check(trace())", "assert 0"
        ),
    )
    result = saved.run("--interp-prune")
    assert result.ret == 0
    assert set(saved.saved()) == FILES


def test_files_of_people_are_never_pruned(saved):
    ours = [
        saved.path / "baselines" / name
        for name in ("specs/README.md", "plots/loss--2024.png", "plots/runs--2024.json")
    ]
    ours[1].parent.mkdir()
    for file in ours:
        file.write_text("{}")
    without_trace(saved)
    saved.run("--interp-prune")
    assert set(saved.saved()) == {
        *(str(file.relative_to(saved.path)) for file in ours),
        *(name for name in FILES if name.startswith(LENS)),
    }


def test_a_run_that_ends_early_though_green_prunes_nothing(saved):
    saved.spec("test_0", "import pytest\ndef test_0(): pytest.exit('enough', returncode=0)")
    result = saved.run("--interp-prune")
    assert result.ret == 0
    assert "nothing was pruned: 3 of 3 tests did not run to their end" in text(result)
    assert set(saved.saved()) == FILES


def test_entries_are_found_through_a_link_to_the_project(saved, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(saved.path)
    without_trace(saved)
    result = saved.run("--interp-prune", str(link / "specs"))
    assert f"  {TRACE}.json" in text(result)
    assert set(saved.saved()) == {name for name in FILES if name.startswith(LENS)}


def test_what_cannot_be_deleted_is_told(saved, monkeypatch):
    unlink = Path.unlink

    def refuse(path, missing_ok=False):
        if path.is_relative_to(saved.path / "baselines"):
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    without_trace(saved)
    monkeypatch.setattr(Path, "unlink", refuse)
    result = saved.run("--interp-prune")
    assert "not everything was pruned: cannot delete" in text(result)
    assert "deleted 0 of 6 files" in text(result)


def test_a_shared_entry_and_its_overrides_are_in_use_together(tmp_path):
    slots = [Slot(tmp_path / "test_a", stem) for stem in ("t--m", "t--m@nnsight", "u--m@nnsight")]
    for slot in slots:
        write_together({slot.numbers: Entry.of(lens()).dumps().encode()})
    folder = str(tmp_path / "test_a")
    record = Record(folder, used=(str(slots[0].numbers),))
    assert obsolete([record], tmp_path, [tmp_path], tmp_path) == ([slots[2].numbers], [])
    record = Record(folder, used=(str(slots[0].numbers),), unfinished="u--m")
    assert obsolete([record], tmp_path, [tmp_path], tmp_path) == ([], [])
