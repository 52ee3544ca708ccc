"""The life of a baseline in real pytest runs."""

import json
import shutil
from pathlib import Path

import pytest

# runs inside of this process import anew what it does not hold: a second each for matplotlib
import pytest_interp.baselines.check
import pytest_interp.figures  # noqa: F401

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
        pytester.makeini("[pytest]\npythonpath = " + str(Path(__file__).parent.parent))
        self.spec("test_a", SPECS)
        self.now()

    def spec(self, name, text):
        self.pytester.makepyfile(**{f"specs/{name}": text})

    def now(self, **values):
        (self.path / "now.json").write_text(json.dumps(values))

    def run(self, *arguments):
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    def worker_run(self, *arguments):
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    def saved(self):
        root = self.path / "baselines"
        return {
            str(p.relative_to(self.path)): p.read_bytes() for p in root.rglob("*") if p.is_file()
        }


@pytest.fixture
def project(pytester):
    return Project(pytester)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """Where the first test leaves its baselines for the others to copy."""
    return tmp_path_factory.mktemp("made") / "baselines"


@pytest.fixture
def saved(project, made_once):
    """A project whose baselines are saved."""
    there = project.path / "baselines"
    if made_once.is_dir():
        shutil.copytree(made_once, there)
    else:
        project.run("--interp-update=missing").assert_outcomes(passed=2)
        shutil.copytree(there, made_once)
    return project


def text(result):
    return "\n".join(result.outlines)


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


@pytest.mark.parametrize("option", ["--snapshot-update", "--force-regen", "--regen-all"])
def test_options_of_syrupy_and_pytest_regressions_are_honoured(saved, option):
    (saved.path / f"{TRACE}.json").unlink()
    saved.now(crossover=6)
    saved.run(option).assert_outcomes(passed=2)
    assert set(saved.saved()) == FILES
    saved.run().assert_outcomes(passed=2)


def test_an_unknown_mode_is_refused(project):
    result = project.run("--interp-update=sometimes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_missing_or_changed_figure_fails_though_the_numbers_agree(saved):
    raster = saved.path / f"{TRACE}.raster.png"
    shutil.copy(saved.path / f"{LENS}.raster.png", raster)
    result = saved.run()
    result.assert_outcomes(passed=1, failed=1)
    assert "the numbers agree" in text(result)
    assert "looks different" in text(result)
    saved.run("--interp-update=missing").assert_outcomes(passed=1, failed=1)
    raster.unlink()
    assert "is missing" in text(saved.run())
    result = saved.run("--interp-update=missing")
    result.assert_outcomes(passed=2)
    assert f"redrawn {TRACE}.json: of its figure {Path(TRACE).name}.raster.png" in text(result)
    saved.run().assert_outcomes(passed=2)


# What must leave other tests' baselines alone


def with_a_third(project):
    """One more test without a baseline, which an update would write if it ran."""
    project.spec("test_b", "from made_results import lens\ndef test_b(baseline):\n"
                 "    baseline.check(lens())\n")  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "update"),
    [
        (["specs/test_a.py::test_trace"], "--interp-update=all"),
        (["specs/test_a.py::test_trace"], "--snapshot-update"),
        (["specs/test_a.py::test_trace"], "--regen-all"),
        (["-k", "test_trace"], "--interp-update"),
        (["specs/test_a.py", "--deselect", "specs/test_a.py::test_lens"], "--interp-update"),
    ],
)
def test_a_filtered_update_leaves_other_baselines_alone(saved, arguments, update):
    saved.now(crossover=6)
    before = saved.saved()
    saved.run(*arguments, update, "--interp-prune").assert_outcomes(
        passed=1, deselected=0 if "::" in arguments[0] else 1
    )
    after = saved.saved()
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in FILES if name.startswith(LENS))


def test_a_failing_test_writes_and_deletes_nothing(saved):
    saved.spec(
        "test_a",
        SPECS.replace("baseline.check(lens(**now))", "baseline.check(lens(**now)); assert 0"),
    )
    saved.now(crossover=6)
    before = saved.saved()
    result = saved.run("--interp-update", "--interp-prune")
    result.assert_outcomes(passed=1, failed=1)
    assert saved.saved() == before
    assert "test_lens: the test failed, so its baselines were not written" in text(result)
    assert "nothing was pruned: the run was not green" in text(result)


def test_a_run_that_stops_early_deletes_nothing(saved):
    saved.now(crossover=6)
    before = saved.saved()
    saved.run("-x", "--interp-prune").assert_outcomes(failed=1)
    assert saved.saved() == before


# Obsolete baselines


def without_trace(project):
    head, _ = SPECS.split("    def test_trace")
    project.spec("test_a", head)


def test_obsolete_files_are_listed_and_only_pruned_on_demand(saved):
    without_trace(saved)
    gone = {name for name in FILES if name.startswith(TRACE)}
    result = saved.run("--interp-update")
    result.assert_outcomes(passed=1)
    assert "no test asks for these any more; --interp-prune deletes them:" in text(result)
    assert all(name in text(result) for name in gone)
    assert set(saved.saved()) == FILES
    result = saved.run("--interp-prune")
    assert "deleted, since no test asks for them:" in text(result)
    assert set(saved.saved()) == FILES - gone


def test_the_baselines_of_a_deleted_spec_are_obsolete(saved):
    with_a_third(saved)
    saved.run("--interp-update=missing").assert_outcomes(passed=3)
    (saved.path / "specs/test_b.py").unlink()
    saved.run("specs", "--interp-prune").assert_outcomes(passed=2)
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
        (["--interp-backend", "nnsight"], "filtered by --interp-backend"),
    ],
)
def test_an_incomplete_run_lists_and_prunes_nothing(saved, arguments, why):
    without_trace(saved)
    if "--lf" in arguments:
        result = saved.pytester.runpytest_inprocess("--lf", "--interp-prune")
    else:
        result = saved.run(*arguments, "--interp-prune")
    assert f"nothing was pruned: {'the run was ' if 'filtered' in why else ''}{why}" in text(result)
    assert "no test asks for these" not in text(saved.run(*arguments))
    assert set(saved.saved()) == FILES


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
    readme = saved.path / "baselines/specs/README.md"
    readme.write_text("ours")
    without_trace(saved)
    saved.run("--interp-prune")
    assert readme.read_text() == "ours"


# With workers, and without plugins


def test_two_workers(project):
    project.worker_run("-n2", "--interp-update").assert_outcomes(passed=2)
    assert set(project.saved()) == FILES
    before = project.saved()
    project.now(crossover=6)
    result = project.worker_run("-n2", "--interp-prune")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*crossover_layer: 8 -> 6, by -2*"])
    assert project.saved() == before
    without_trace(project)
    result = project.worker_run("-n2", "--interp-update", "--interp-prune")
    assert f"updated {LENS}.json" in text(result)
    assert set(project.saved()) == {name for name in FILES if name.startswith(LENS)}


def test_two_workers_notice_filters_of_a_conftest(saved):
    saved.pytester.makeconftest("def pytest_collection_modifyitems(items):\n    del items[1:]\n")
    result = saved.worker_run("-n2", "--interp-prune")
    assert "nothing was pruned: tests were deselected" in text(result)
    assert set(saved.saved()) == FILES


@pytest.mark.parametrize("arguments", [["-n0"], ["-p", "no:xdist"]])
def test_without_workers(saved, arguments):
    saved.worker_run(*arguments).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("plugin", "name"), [("syrupy", "syrupy"), ("regressions", "pytest-regressions")]
)
def test_without_a_plugin_that_it_builds_on_it_refuses_clearly(saved, plugin, name):
    before = saved.saved()
    result = saved.worker_run("-p", f"no:{plugin}")
    result.assert_outcomes(errors=2)
    assert f"keeps its files through {name}" in text(result)
    assert f"take away `-p no:{plugin}`" in text(result)
    assert saved.saved() == before


# What results and names may be


def test_results_of_others_and_results_without_figure(project):
    project.spec(
        "test_own",
        """
        import pytest
        from pytest_interp.results import Tolerance

        class Own:
            provenance = None
            def __init__(self, x): self.x = x
            def to_json(self): return {"x": self.x, "winner": "a"}
            def tolerances(self): return {"x": Tolerance(0.1)}

        def test_own(baseline): baseline.check(Own(1.0))

        def test_nan(baseline): baseline.check(Own(float("nan")))

        def test_none(baseline): baseline.check(None)

        def test_twice(baseline):
            baseline.check(Own(1.0))
            baseline.check(Own(2.0))
        """,
    )
    result = project.run("specs/test_own.py", "--interp-update")
    result.assert_outcomes(passed=1, failed=3)
    assert list(project.saved()) == ["baselines/specs/test_own/test_own--any-model.json"]
    result.stdout.fnmatch_lines_random(
        [
            "*BaselineError: Own.x is nan: undefined numbers are no baseline*",
            "*was given a NoneType, which has no to_json and no tolerances and no provenance*",
            "*was given a second result: tell the results of one test apart*",
        ]
    )


def test_classes_and_parameters_are_told_apart(project):
    project.spec(
        "test_names",
        """
        import pytest
        from made_results import lens

        class TestOne:
            def test_x(self, baseline): baseline.check(lens())

        class TestTwo:
            @pytest.mark.parametrize("answer", ["a/b", "a b", "a"])
            def test_x(self, baseline, answer): baseline.check(lens())
        """,
    )
    project.run("specs/test_names.py", "--interp-update").assert_outcomes(passed=4)
    stems = {name.split("/")[-1].split(".json")[0] for name in project.saved() if "json" in name}
    assert len(stems) == 4
    assert "TestOne.test_x--made" in stems


def test_the_folder_can_be_chosen(project):
    project.run("-o", "interp_baseline_dir=kept", "--interp-update").assert_outcomes(passed=2)
    assert (project.path / "kept/specs/test_a/test_lens--made.json").is_file()
