"""Names of entries: no longer than file systems hold, and apart where they fold case."""

import pytest
from baseline_project import text

from pytest_interp.baselines.names import SUFFIXES, stem_of
from pytest_interp.baselines.store import Slot


@pytest.mark.guarantee(
    "files",
    "However long the names of a test, its parameters, its model and its result are, their files "
    "have names that a file system can hold.",
    sees="A shortened name with a hash; names that fit stay as they are.",
)
@pytest.mark.parametrize("of_test", [10, 119, 120, 121, 400])
@pytest.mark.parametrize("of_model", [5, 40, 120, 400])
@pytest.mark.parametrize("of_name", [None, 1, 120, 400])
def test_no_file_of_an_entry_has_a_name_that_is_too_long(tmp_path, of_test, of_model, of_name):
    test, model = "t" * of_test, "m" * of_model
    name = None if of_name is None else "n" * of_name
    stem = stem_of(test, model, name)
    slot = Slot(tmp_path, stem).override("a" * 100).override("b" * 100)
    longest = max(len(slot.file(suffix).name) for suffix in SUFFIXES)
    assert longest <= 255
    for suffix in SUFFIXES:
        slot.file(suffix).touch()
    assert slot.shared.stem == stem
    # what belongs to an unfinished test is found by how its name begins
    assert f"{stem}--".startswith(f"{stem_of(test, model)}--")


def test_long_names_stay_apart():
    names = [f"{'n' * 150}{i}" for i in range(3)]
    tests = [f"{'t' * 119}{i}" for i in range(3)]
    models = [f"{'m' * 119}{i}" for i in range(3)]
    stems = {stem_of(t, m, n) for t in tests for m in models for n in (None, *names)}
    assert len(stems) == 3 * 3 * 4


def test_names_that_fit_are_not_shortened():
    parts = ("t" * 90, "m" * 60, "n" * 40)
    assert stem_of(*parts) == "--".join(parts)


def test_a_long_name_is_kept_and_compared_in_a_run(project):
    project.spec(
        "test_a",
        f"""
        from made_results import lens

        def test_{"x" * 150}(baseline):
            baseline.check(lens(), name="{"n" * 150}")
        """,
    )
    project.run("--interp-update").assert_outcomes(passed=1)
    assert len(project.saved()) == 3
    project.run().assert_outcomes(passed=1)


@pytest.mark.guarantee(
    "kept",
    "Entries whose names differ in case alone never share a file, on no file system.",
    sees="An error at the second of them, on every system, that asks for another name.",
)
def test_names_that_differ_in_case_alone_are_refused(project):
    project.spec(
        "test_a",
        """
        import pytest
        from made_results import lens

        @pytest.mark.parametrize("layer", ["Early", "early"])
        def test_x(baseline, layer):
            baseline.check(lens())
        """,
    )
    result = project.run("--interp-update")
    result.assert_outcomes(passed=1, failed=1)
    assert (
        "test_x-early--made.json and test_x-Early--made.json, which is there, differ in case alone"
        in text(result)
    )
    assert len(project.saved()) == 3
