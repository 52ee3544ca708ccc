"""What GitHub shows of a step, and the Markdown report."""

from pathlib import Path

import pytest

FAILS = "def test_it(interp_target): claim(interp_target, 0.3)"
ONE = "--interp-backend=nnsight"


@pytest.mark.guarantee(
    "kept",
    "The summary of a step on GitHub is added to, and never written over.",
    sees="What other commands wrote, and below it the claims of the run.",
)
def test_a_run_adds_to_the_summary_of_its_step(project, monkeypatch):
    project.claims(FAILS)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("before\n")
    project.run(ONE)
    project.run(ONE)
    said = Path("summary.md").read_text()
    assert said.startswith("before\n### ❌ Claims about model insides: 1 failed\n")
    assert said.count("### ❌") == 2


def test_other_tests_add_nothing_to_it(project, monkeypatch):
    project.spec("test_x", "def test_x(): pass")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    project.run()
    assert not Path("summary.md").exists()


def test_a_summary_that_cannot_be_written_is_said_and_fails_nothing(project, monkeypatch):
    project.claims(FAILS.replace("0.3", "0.9"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "nowhere/summary.md")
    result = project.run(ONE)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["interp: the summary of the step was not written: nowhere/*"])


def test_the_markdown_report_of_a_comparison_says_what_moved(project):
    project.comparing()
    Path("now.json").write_text("{}")
    project.run("--interp-update=missing").assert_outcomes(passed=1)
    Path("now.json").write_text('{"shift": 0.1}')
    project.run("--interp-report-md=run.md").assert_outcomes(failed=1)
    said = Path("run.md").read_text()
    assert "baselines: 1 changed" in said
    assert "baseline out of tolerance, 12 values" in said


def test_what_a_result_says_of_itself_is_in_the_report(project):
    project.comparing()
    Path("now.json").write_text("{}")
    (test,) = project.report("--interp-update=missing").tests
    (result,) = test.results
    crossover = result.readings[1]
    assert (crossover.name, repr(crossover.value)) == ("crossover", "8")  # a layer, and no 8.0
