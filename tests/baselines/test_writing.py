"""What an update writes, and what it leaves alone."""

import pytest
from baseline_project import FILES, LENS, SPECS, text


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


# each checks a result and fails only afterwards
FAILING = """
    import unittest
    import pytest
    from made_results import lens

    @pytest.fixture
    def untidy():
        yield
        assert 0, "untidy"

    def test_teardown(baseline, untidy):
        baseline.check(lens(crossover=6))

    def test_teardown_the_other_way_round(untidy, baseline):
        baseline.check(lens(crossover=6))

    class TestUnit(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def take(self, baseline):
            self.baseline = baseline

        def test_unit(self):
            self.baseline.check(lens(crossover=6))
            with self.subTest("part"):
                assert 0

    def test_skipped(baseline):
        baseline.check(lens(crossover=6))
        pytest.skip("late")

    @pytest.mark.xfail(strict=False)
    def test_xpass(baseline):
        baseline.check(lens(crossover=6))
"""
SUBTESTS = """
    def test_subtests(baseline, subtests):
        baseline.check(lens(crossover=6))
        with subtests.test("part"):
            assert 0
"""


@pytest.mark.parametrize("option", ["--interp-update", "--interp-update=all"])
def test_whatever_fails_in_a_test_nothing_is_written(project, option):
    has_subtests = pytest.version_tuple >= (9,)
    project.spec("test_a", FAILING + (SUBTESTS if has_subtests else ""))
    result = project.run(option)
    assert project.saved() == {}
    for name, reason in {
        "test_teardown": "the teardown of the test failed",
        "test_teardown_the_other_way_round": "the teardown of the test failed",
        "TestUnit.test_unit": "the test failed",
        "test_skipped": "the test was skipped",
        "test_xpass": "the test is marked xfail",
        **({"test_subtests": "the test failed"} if has_subtests else {}),
    }.items():
        assert f"{name}: {reason}, so its baselines were not written" in text(result)
    # what was not written is not said to be
    assert "added" not in text(result)


def test_a_test_that_is_run_again_is_judged_by_its_last_run(project):
    project.pytester.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            item._initrequest()
            runtestprotocol(item, nextitem=None, log=False)
            item._initrequest()
            runtestprotocol(item, nextitem=nextitem)
            return True
        """
    )
    project.spec(
        "test_a",
        """
        from made_results import lens
        tries = []

        def test_x(baseline):
            tries.append(1)
            baseline.check(lens())
            assert len(tries) > 1
        """,
    )
    project.run("--interp-update").assert_outcomes(passed=1)
    assert len(project.saved()) == 3


@pytest.mark.guarantee(
    "files",
    "A place of baselines that cannot be read is not taken for one without baselines.",
    sees="An error that names the file and the reason, whatever the update option.",
)
@pytest.mark.parametrize("option", [(), ("--interp-update",), ("--interp-update=all",)])
def test_a_path_of_baselines_that_is_a_file_is_named(project, option):
    (project.path / "baselines").write_text("a file")
    result = project.run(*option)
    result.assert_outcomes(failed=2)
    assert f"BaselineError: cannot read {project.path}/{LENS}.json (Not a directory)" in text(
        result
    )
    assert "no baseline yet" not in text(result)
    assert "added" not in text(result)
