"""The life of a baseline in real pytest runs."""

import json
import shlex
from pathlib import Path

import pytest
from baseline_project import FILES, LENS, TRACE, text

from pytest_interp.baselines import snapshot


def test_a_missing_baseline_fails_writes_nothing_and_prints_the_command(project):
    result = project.run()
    result.assert_outcomes(failed=2)
    assert project.saved() == {}
    result.stdout.fnmatch_lines(
        [
            f"*no baseline yet: {LENS}.json does not exist. Nothing was written.",
            "*pytest specs/test_a.py::test_lens --interp-update=missing",
        ]
    )
    # a second run is no greener: pytest-regressions by itself would have written
    project.run().assert_outcomes(failed=2)


def test_the_printed_command_works_from_a_folder_below(project, monkeypatch):
    monkeypatch.chdir(project.path / "specs")
    result = project.run()
    (line, *_) = [x for x in result.outlines if "test_lens --interp-update=missing" in x]
    command = line.split("pytest ", 1)[1].split()
    assert command[0] == "test_a.py::test_lens"
    project.run(*command).assert_outcomes(passed=1)


@pytest.mark.parametrize("option", ["--interp-update", "--interp-update=missing"])
def test_added(project, option):
    result = project.run(option)
    result.assert_outcomes(passed=2)
    assert set(project.saved()) == FILES
    assert f"added {LENS}.json" in text(result)
    project.run().assert_outcomes(passed=2)


def test_unchanged_is_green_and_silent(saved):
    before = saved.saved()
    result = saved.run()
    result.assert_outcomes(passed=2)
    assert "interp baselines" not in text(result)
    assert saved.saved() == before


def test_moved_within_tolerance_is_green_and_rewrites_nothing(saved):
    before = saved.saved()
    saved.now(shift=5e-4)
    for options in ([], ["--interp-update"], ["--interp-update=missing"]):
        saved.run(*options).assert_outcomes(passed=2)
        assert saved.saved() == before


def test_moved_beyond_fails_and_says_what_by_how_much_and_what_to_do(saved):
    before = saved.saved()
    saved.now(crossover=6, fingerprint="4567")
    result = saved.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            f"*the result moved from its baseline {LENS}.json:",
            "*crossover_layer: 8 -> 6, by -2 (compared exactly)",
            "*answer_prob at layer 6: 0.1 -> 0.8, by +0.7 (allowed 0.0011: 636 times as much)",
            "*made differently:",
            "*fingerprint: 0123 -> 4567  (the weights are not the same)",
            f"*figures: {LENS}.png (saved), */test_lens--made.png (new)",
            "*pytest specs/test_a.py::test_lens --interp-update",
        ]
    )
    assert saved.saved() == before


@pytest.mark.parametrize("options", [[], ["--interp-update"], ["--interp-update=all"]])
def test_each_result_is_compared_once_whether_it_moved_or_not(saved, monkeypatch, options):
    compared = []
    compare = snapshot.compare
    monkeypatch.setattr(
        snapshot, "compare", lambda *sides: compared.append(sides) or compare(*sides)
    )
    for values in ({}, {"crossover": 6}):
        saved.now(**values)
        compared.clear()
        saved.run(*options)
        assert len(compared) == 3


def test_updated(saved):
    before = saved.saved()
    saved.now(crossover=6)
    result = saved.run("--interp-update")
    result.assert_outcomes(passed=2)
    assert f"updated {LENS}.json" in text(result)
    assert "crossover_layer: 8 -> 6" in text(result)
    after = saved.saved()
    assert {name for name in FILES if before[name] != after[name]} == {
        f"{LENS}{suffix}" for suffix in (".json", ".png", ".raster.png")
    }
    saved.run().assert_outcomes(passed=2)


def test_missing_only_adds(saved):
    saved.now(crossover=6)
    before = saved.saved()
    (saved.path / f"{TRACE}.json").unlink()
    saved.run("--interp-update=missing").assert_outcomes(passed=1, failed=1)
    assert saved.saved().keys() == before.keys()
    assert saved.saved()[f"{LENS}.json"] == before[f"{LENS}.json"]


def test_all_rewrites_everything(saved):
    saved.now(shift=5e-4)
    before = saved.saved()
    saved.run("--interp-update=all").assert_outcomes(passed=2)
    assert saved.saved()[f"{LENS}.json"] != before[f"{LENS}.json"]


def test_an_unknown_mode_is_refused(project):
    result = project.run("--interp-update=sometimes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_changed_figure_fails_though_the_numbers_agree(saved):
    saved.redrawn(TRACE, (saved.path / f"{LENS}.raster.png").read_bytes())
    result = saved.run()
    result.assert_outcomes(passed=1, failed=1)
    assert "the numbers agree" in text(result)
    assert "looks different" in text(result)
    saved.run("--interp-update=missing").assert_outcomes(passed=1, failed=1)
    result = saved.run("--interp-update")
    result.assert_outcomes(passed=2)
    assert f"redrawn {TRACE}.json: the figure looks different" in text(result)
    saved.run().assert_outcomes(passed=2)


@pytest.mark.guarantee(
    "red",
    "A figure is compared as pixels only where the same libraries drew both.",
    sees="The numbers are compared under every version of matplotlib, NumPy and FreeType; after "
    "an upgrade no figure fails for pixels that moved.",
)
@pytest.mark.parametrize("library", ["matplotlib", "freetype", "numpy", "pillow"])
def test_pixels_of_other_libraries_are_not_compared(saved, library):
    saved.redrawn(TRACE, (saved.path / f"{LENS}.raster.png").read_bytes(), **{library: "0.1"})
    saved.run().assert_outcomes(passed=2)
    saved.now(crossover=6)
    saved.run().assert_outcomes(passed=1, failed=1)


def test_the_figure_of_an_earlier_version_has_to_be_there(saved):
    saved.without_figure_record(TRACE)
    saved.run().assert_outcomes(passed=2)
    (saved.path / f"{TRACE}.raster.png").unlink()
    (saved.path / f"{TRACE}.png").unlink()
    result = saved.run()
    assert f"of its figure {Path(TRACE).name}.raster.png is missing and " in text(result)
    assert "half written" not in text(result)
    saved.run("--interp-update=missing").assert_outcomes(passed=2)
    assert "figure" in json.loads((saved.path / f"{TRACE}.json").read_text())
    saved.run().assert_outcomes(passed=2)


def test_damaged_numbers_are_written_anew_with_all(saved):
    numbers = saved.path / f"{LENS}.json"
    numbers.write_text("<<<<<<< HEAD\n" + numbers.read_text())
    result = saved.run("--interp-update")
    result.assert_outcomes(passed=1, failed=1)
    assert f"BaselineError: {LENS}.json cannot be read as JSON" in text(result)
    assert "or write it again with --interp-update=all" in text(result)
    result = saved.run("--interp-update=all")
    result.assert_outcomes(passed=2)
    assert f"replaced the unreadable {LENS}.json" in text(result)
    saved.run().assert_outcomes(passed=2)


@pytest.mark.guarantee(
    "messages",
    "The command that repeats a test carries the settings of the run.",
    sees="ini file, rootdir, device, dtype, memory, overrides and checkpoints, as they were given",
)
def test_the_printed_command_has_the_settings_of_the_run(project):
    """Another ini file with another folder of baselines, from a folder below."""
    (project.path / "other.ini").write_text(
        (project.path / "tox.ini").read_text() + "\ninterp_baseline_dir = kept"
    )
    given = ["-c", "other.ini", f"--rootdir={project.path}", "-o", "xfail_strict=true"]
    given += ["--interp-device=cpu", "--interp-dtype=float64", "--interp-memory=3GB"]
    shown = project.run(*given, "specs/test_a.py::test_lens").outlines
    line = next(line for line in shown if "--interp-update=missing" in line)
    _, *command = shlex.split(line.removeprefix("E").strip())
    assert command[2:] == [
        *("-c", "other.ini", "--rootdir", str(project.path)),
        *("--interp-device", "cpu", "--interp-dtype", "float64", "--interp-memory", "3GB"),
        *("-o", "xfail_strict=true"),
    ]
    project.run(*command).assert_outcomes(passed=1)
    assert (project.path / "kept/specs/test_a/test_lens--made.json").is_file()
    assert not (project.path / "baselines").exists()
