"""What results and names may be."""

from baseline_project import text


def test_results_of_others_and_results_without_figure(project):
    project.spec(
        "test_own",
        """
        import pytest
        from pytest_interp.results import Result, Tolerance

        class Own(Result):
            provenance = None
            def __init__(self, x): self.x = x
            def to_json(self): return {"x": self.x, "winner": "a"}
            def tolerances(self): return {"x": Tolerance(0.1)}

        def test_own(baseline): baseline.check(Own(1.0))

        def test_nan(baseline): baseline.check(Own(float("nan")))

        class Like:
            provenance = None
            to_json = tolerances = dict

        def test_like(baseline): baseline.check(Like())

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
            "*given a Like, which is no Result: *derive your class from pytest_interp.results*",
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


def test_two_tests_of_one_name_are_refused(project):
    project.spec(
        "test_twice",
        """
        import pytest
        from made_results import lens

        @pytest.mark.parametrize("a", ["a-b", "b"])
        @pytest.mark.parametrize("b", ["c", "c-a"])
        def test_x(baseline, a, b): baseline.check(lens())
        """,
    )
    result = project.run("specs/test_twice.py", "--interp-update")
    result.assert_outcomes(passed=2, errors=2)
    assert "the baselines of 2 tests would lie in the same files" in text(result)
    assert "specs/test_twice.py::test_x[c-a-b]. Give their parameters ids that tell them apart" in (
        text(result)
    )
