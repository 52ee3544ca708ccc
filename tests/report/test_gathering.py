"""What a run of specs says of itself: claims, results, comparisons, and what became of tests."""

import base64
from pathlib import Path

import pytest
from made_results import lens

from pytest_interp.report.making import result_record
from pytest_interp.results import LensResult

RECORD = pytest.mark.guarantee(
    "messages",
    "A JSON report holds each claim, result and comparison of a run, with all that made them.",
    sees="One record for each test, under xdist, with subtests and in repeated tests as well.",
)
OUTCOMES = """
def test_holds(interp_target):
    '''It holds.

    And more.'''
    claim(interp_target, 0.9)

def test_false(interp_target):
    claim(interp_target, 0.5)

def test_undecided(interp_target):
    claim(interp_target, 0.9, Status.INCONCLUSIVE)

@pytest.mark.skip(reason="not today")
def test_skipped(interp_target): ...

@pytest.mark.xfail(reason="known")
def test_known(interp_target):
    claim(interp_target, 0.5)

@pytest.mark.xfail
def test_mended(interp_target):
    claim(interp_target, 0.9)

def test_broken(interp_target):
    raise ValueError("\\x1b[31m<b>no</b>")

def test_broken_fixture(interp_target, no_such_fixture): ...

@pytest.fixture
def leaves(): yield; raise OSError("left")
def test_broken_teardown(interp_target, leaves):
    claim(interp_target, 0.9)

def test_of_something_else(): ...
"""


@RECORD
@pytest.mark.parametrize("options", [[], ["-n2"]])
def test_each_test_says_what_became_of_it(project, options):
    project.claims(OUTCOMES)
    found = project.report(*options, run=project.worker_run)
    assert {test.backend for test in found.tests} == {"transformer_lens", "nnsight"}
    tests = {test.name: test for test in found.tests if test.backend == "nnsight"}
    assert {name: test.outcome for name, test in tests.items()} == {
        "test_holds": "passed",
        "test_false": "failed",
        "test_undecided": "inconclusive",
        "test_skipped": "skipped",
        "test_known": "xfailed",
        "test_mended": "xpassed",
        "test_broken": "error",
        "test_broken_fixture": "error",
        "test_broken_teardown": "error",
    }
    assert len(found.tests) == 18
    assert found.exit_status == 1
    assert tests["test_false"].message.startswith("failed: 0.500 [0.400, 0.600] at layer 7")
    assert tests["test_skipped"].message == "not today"
    assert tests["test_known"].message == "known"
    assert "\x1b[31m<b>no</b>" in tests["test_broken"].message
    assert "left" in tests["test_broken_teardown"].message
    one = tests["test_holds"]
    assert (one.about, one.spec, one.model) == ("It holds.", "specs/test_c.py", "planted-gpt2")
    false = tests["test_false"]
    assert (false.about, false.says) == ("", "False")
    assert false.about_spec == "What the planted model knows."
    assert one.command == "pytest 'specs/test_c.py::test_holds[planted-gpt2-nnsight]'"
    assert 0 < one.line < tests["test_false"].line


@RECORD
def test_a_claim_is_kept_with_the_number_that_decides_it(project):
    project.claims("def test_it(interp_target): claim(interp_target, 0.9)")
    (claim,) = project.report("--interp-backend=nnsight").tests[0].claims
    assert (claim.status, claim.n, claim.claimed) == ("passed", 37, "at least 0.80")
    assert (claim.effect.value, claim.effect.where) == (0.9, "layer 7, subject")
    assert claim.margin == pytest.approx(0.1)
    assert claim.scope == "n = 37 from 2 templates"
    assert [control.holds for control in claim.controls] == [True, None]
    assert claim.verdict["backends"] == ["nnsight"]


@RECORD
def test_a_number_that_json_lacks_is_none(project):
    project.claims("def test_it(interp_target): claim(interp_target, float('nan'))")
    (claim,) = project.report("--interp-backend=nnsight").tests[0].claims
    assert (claim.effect.value, claim.margin, claim.status) == (None, None, "failed")


@RECORD
def test_a_test_with_subtests_is_one_record(project):
    project.claims(
        """
def test_it(interp_target, subtests):
    for value in (0.9, 0.5, 0.6):
        with subtests.test(value=value):
            claim(interp_target, value)
    with subtests.test("left out"):
        pytest.skip("no")
"""
    )
    (test,) = project.report("--interp-backend=nnsight").tests
    assert test.outcome == "failed"
    assert test.message.startswith("failed: 0.500")
    assert [claim.status for claim in test.claims] == ["passed", "failed", "failed"]


@RECORD
def test_of_a_test_that_was_run_again_the_last_counts(project):
    project.claims(
        """
attempts = []
def test_it(interp_target):
    attempts.append(0)
    claim(interp_target, 0.5 if len(attempts) == 1 else 0.9)
"""
    )
    # as plugins that run failed tests again do
    (project.path / "conftest.py").write_text(
        """
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    for log in (False, True):
        for report in runtestprotocol(item, nextitem=nextitem, log=log):
            if not log:
                report.outcome = "rerun"
                item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
    )
    (test,) = project.report("--interp-backend=nnsight").tests
    assert (test.outcome, test.message) == ("passed", "")
    assert [claim.status for claim in test.claims] == ["passed"]


def state(found):
    (test,) = found.tests
    (result,) = test.results
    return result.baseline.state


@RECORD
def test_a_comparison_says_how_the_result_stands_to_its_baseline(project):
    project.comparing()
    assert state(project.report()) == "new"
    assert state(project.report("--interp-update=missing")) == "written"
    assert state(project.report()) == "same"
    project.now(shift=1e-5)
    assert state(project.report()) == "within"
    project.now(crossover=9)
    found = project.report()
    assert state(found) == "changed"
    (result,) = found.tests[0].results
    first = result.baseline.changes[0]
    assert first.path in first.text
    assert {change.keys[0] for change in result.baseline.changes} >= {"answer_prob", "top_token"}
    assert result.baseline.file == "baselines/specs/test_b/test_lens--made.json"
    for figure in (result.figure, result.baseline.old_figure):
        assert base64.b64decode(figure.data).startswith(b"\x89PNG")
    assert result.figure != result.baseline.old_figure
    assert result.result["answer_prob"][8] == 0.1
    assert result.axes["answer_prob"] == (("layer", "layers"),)
    assert result.provenance["model"] == "made"
    # after an update the saved figure is the new one, and the report keeps the one before
    updated = project.report("--interp-update").tests[0].results[0].baseline
    assert (updated.state, updated.old_figure) == ("written", result.baseline.old_figure)
    (project.path / result.baseline.file).write_text("{")
    assert state(project.report()) == "unreadable"


@RECORD
def test_an_update_that_was_not_written_is_not_called_written(project):
    project.comparing()
    spec = project.path / "specs" / "test_b.py"
    spec.write_text(spec.read_text() + "\n    assert 0\n")
    assert state(project.report("--interp-update")) == "new"


@RECORD
def test_a_figure_that_cannot_be_drawn_fails_no_test(project):
    project.claims(
        """
from made_results import lens
from pytest_interp.plugin.properties import record_result
from pytest_interp.results import Result
class Broken(Result):
    provenance = None
    def summary(self): return "fine"
    def to_json(self): return {"x": 1}
    def tolerances(self): return {}
    def to_figure(self): raise RuntimeError("no ink")
def test_it(request, interp_target):
    record_result(request.node, Broken())
"""
    )
    (test,) = project.report("--interp-backend=nnsight").tests
    assert test.outcome == "passed"
    (result,) = test.results
    assert (result.summary, result.figure) == ("fine", None)
    assert "RuntimeError: no ink" in result.figure_problem


@RECORD
def test_a_result_that_cannot_say_what_it_is_ends_no_run(project):
    project.claims(
        """
from pytest_interp.plugin.gathering import note_result
from pytest_interp.results import Result
class Broken(Result):
    provenance = None
    def summary(self): raise RuntimeError("no words")
    def to_json(self): return {"x": 1}
    def tolerances(self): return {}
def test_it(request, interp_target):
    note_result(request.node, Broken())
"""
    )
    for options in ([], ["--interp-report-json=run.json"]):
        result = project.run("--interp-backend=nnsight", *options)
        result.assert_outcomes(passed=1)
        assert result.ret == 0
    (test,) = project.report("--interp-backend=nnsight").tests
    assert test.results[0].kind == "Broken"
    assert "RuntimeError: no words" in test.results[0].summary


def test_a_result_that_several_tests_rest_on_is_drawn_once(monkeypatch):
    drawn = []
    monkeypatch.setattr(LensResult, "to_figure", lambda one: drawn.append(one), raising=False)
    first, second = lens(), lens()
    for result in (first, first, second):
        result_record(result, None, Path(), whole=True)
    assert list(map(id, drawn)) == [id(first), id(second)]
