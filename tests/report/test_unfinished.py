"""Runs that broke off: what did not finish is said in every report."""

import html
from pathlib import Path

import pytest

from pytest_interp.plugin.ids import IdParts, id_reader
from pytest_interp.plugin.unfinished import NOT_BEGUN, NOT_ENDED, Expected
from pytest_interp.report.reading import read_run

BROKEN_OFF = pytest.mark.guarantee(
    "green",
    "A run that broke off is no green report: tests that were interrupted, stopped or lost with "
    "their worker, and files that could not be collected, are named in each of its reports.",
    sees="unfinished, and why, in the terminal, JSON, HTML and Markdown; never `All claims hold`.",
)
SPEC = """
import os, signal
def test_first(interp_target): claim(interp_target, 0.9)
def test_second(interp_target): {}
def test_third(interp_target): claim(interp_target, 0.9)
def test_of_something_else(): ...
"""
ONE = "--interp-backend=nnsight"
NAMES = ("report.json", "report.html", "report.md")
REPORTS = ("--interp-report-json=report.json", "--interp-report=report.html")
REPORTS += ("--interp-report-md=report.md",)


def reports(terminal):
    """The record of the run, its outcomes, and what the other reports say."""
    run = read_run(Path("report.json"))
    page, markdown = (Path(name).read_text("utf-8") for name in NAMES[1:])
    said = {"terminal": terminal, "page": page, "markdown": html.unescape(markdown)}
    assert "claims hold<" not in page  # as in <h1>All 2 claims hold</h1>
    assert not markdown.startswith("### \N{WHITE HEAVY CHECK MARK}")
    return run, {test.name: (test.outcome, test.message) for test in run.tests}, said


@BROKEN_OFF
def test_a_run_that_was_interrupted(project, capsys):
    project.claims(SPEC.format("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):  # pytester passes it on, and it interrupts this test
        project.run(ONE, *REPORTS)
    run, found, said = reports(capsys.readouterr().out)
    assert run.exit_status == 2
    assert found == {
        "test_first": ("passed", ""),
        "test_second": ("unfinished", NOT_ENDED),
        "test_third": ("unfinished", NOT_BEGUN),
    }
    assert {(t.model, t.backend) for t in run.tests} == {("planted-gpt2", "nnsight")}
    assert "interp summary: 2 unfinished, 1 passed" in said["terminal"]
    assert f"unfinished: 1 {NOT_BEGUN}: test_third" in said["terminal"]
    assert "<h1>1 claim holds; 2 did not finish</h1>" in said["page"]
    assert f"**1 unfinished**: {NOT_ENDED}: test_second" in said["markdown"]
    assert all("The run was interrupted" in text for text in said.values())


@BROKEN_OFF
def test_a_run_that_stopped_at_its_first_failure(project):
    project.claims(SPEC.format("claim(interp_target, 0.1)"))
    _, found, said = reports(project.run(ONE, "-x", *REPORTS).stdout.str())
    assert found["test_third"] == ("unfinished", NOT_BEGUN)
    assert "<h1>1 of 2 claims does not hold; 1 did not finish</h1>" in said["page"]
    project.run(ONE, "--collect-only", *REPORTS)
    assert read_run(Path("report.json")).tests == ()


@pytest.mark.slow
@BROKEN_OFF
def test_a_worker_that_died(project):
    project.claims(SPEC.format("os.kill(os.getpid(), signal.SIGKILL)"))
    result = project.worker_run(ONE, "-n1", "--max-worker-restart=0", *REPORTS)
    _, found, said = reports(result.stdout.str())
    assert found == {
        "test_first": ("passed", ""),
        "test_second": ("unfinished", "worker 'gw0' crashed while running"),
        "test_third": ("unfinished", NOT_BEGUN),
    }
    assert "unfinished: 1 worker 'gw0' crashed while running: test_second" in said["terminal"]
    assert "crashed while running" in said["page"]
    assert "worker 'gw0' crashed while running: test_second" in said["markdown"]


@BROKEN_OFF
def test_what_xdist_says_of_a_test_whose_worker_died():
    first, second = (f"a.py::test_{i}[gpt2-nnsight]" for i in "ab")
    expected = Expected()
    expected.pytest_xdist_node_collection_finished(None, [first, second, "a.py::test_other"])
    expected.pytest_runtest_logstart(first)
    said = f"worker 'gw0' crashed while running {first!r}"
    died = pytest.TestReport(first, ("a.py", None, "a.py"), {}, "failed", said, "???")
    expected.pytest_runtest_logreport(died)
    assert [(one.name, one.outcome, one.message) for one in expected.records()] == [
        ("test_a", "unfinished", "worker 'gw0' crashed while running"),
        ("test_b", "unfinished", NOT_BEGUN),
    ]


@BROKEN_OFF
def test_a_file_that_cannot_be_collected(project):
    project.claims(SPEC.format("..."))
    project.spec("test_broken", "import no_such_module")
    run, found, said = reports(project.run(ONE, *REPORTS).stdout.str())
    assert run.exit_status == 2
    outcome, message = found["collection"]
    assert outcome == "error"
    assert "No module named 'no_such_module'" in message
    assert found["test_first"] == ("unfinished", NOT_BEGUN)
    assert "interp summary: 1 error, 3 unfinished" in said["terminal"]
    assert "no_such_module" in said["page"]
    assert "1 error, 3 unfinished" in said["markdown"]


@pytest.mark.parametrize(
    ("nodeid", "parts"),
    [
        ("a.py::test_b[planted-gpt2-nnsight]", ("a.py", "test_b", "planted-gpt2", "nnsight")),
        ("a.py::test_b[gpt2]", ("a.py", "test_b", "gpt2", None)),
        ("a.py::A::test_b[x-gpt2-nnsight-y]", ("a.py", "A.test_b[x-y]", "gpt2", "nnsight")),
        ("a.py::test_b[o/m-2-nnsight]", ("a.py", "test_b", "o/m-2", "nnsight")),
        ("a.interp.yaml::fact", ("a.interp.yaml", "fact", None, None)),
        ("a.py::test_b[x]", None),
        ("a.py::test_b", None),
    ],
)
def test_an_id_says_what_a_test_runs_on(nodeid, parts):
    assert id_reader()(nodeid) == (None if parts is None else IdParts(*parts))
