"""The section of claims in runs of pytest."""

import pytest

SPEC = """
def test_holds(interp_target): claim(interp_target, 0.9)
def test_false(interp_target): claim(interp_target, 0.5)
def test_several(interp_target, subtests):
    for value in (0.95, 0.4):
        with subtests.test(value=value):
            claim(interp_target, value)
"""
SHOWN = pytest.mark.guarantee(
    "messages",
    "The section of claims is right under xdist, with -q, with --tb=no and with subtests.",
    sees="One line for each claim, whichever process ran it; nothing where no spec ran.",
)


def claims(result):
    """The words of the section, by test."""
    text = result.outlines
    begin = next((i for i, line in enumerate(text) if "interp summary" in line), None)
    if begin is None:
        return None
    words = ("passed ", "failed ", "inconclusive ")
    return [" ".join(line.split()) for line in text[begin:] if line.startswith(words)]


@SHOWN
@pytest.mark.parametrize("options", [[], ["-n2", "-q"], ["-q", "--tb=no"]])
def test_each_claim_is_a_line(project, monkeypatch, options):
    monkeypatch.setenv("COLUMNS", "80")
    project.claims(SPEC)
    result = (project.worker_run if "-n2" in options else project.run)(*options)
    lines = [line.rpartition(" ")[0] for line in claims(result)]
    assert lines == [
        "failed test_false 0.500 >= 0.80 -0.300 37 F F",
        "failed test_several #2 0.400 >= 0.80 -0.400 37 F F",
        "passed test_holds 0.900 >= 0.80 +0.100 37 ok ok",
        "passed test_several #1 0.950 >= 0.80 +0.150 37 ok ok",
    ]
    result.stdout.fnmatch_lines(["*= interp summary: 2 failed, 2 passed =*"])


def test_what_is_listed_can_be_chosen(project):
    project.claims(SPEC)
    one = "--interp-backend=nnsight"
    assert len(claims(project.run(one, "--interp-summary=failed"))) == 2
    assert claims(project.run(one, "--interp-summary=none")) is None
    assert claims(project.run(one, "-qq")) is None
    ini = project.path / "tox.ini"
    ini.write_text(ini.read_text() + "\ninterp_summary = none\n")
    assert claims(project.run(one)) is None
    assert len(claims(project.run(one, "--interp-summary=all"))) == 4
    ini.write_text(ini.read_text().replace("none", "some"))
    result = project.run(one)
    result.stderr.fnmatch_lines(["*interp_summary = 'some' in the ini file: use all, failed, none"])


@SHOWN
def test_nothing_is_shown_where_no_spec_ran(project):
    project.spec("test_x", "def test_x(): pass")
    assert claims(project.run()) is None


def test_the_state_of_the_baseline_is_shown(project):
    project.comparing()
    assert " new " in claims(project.run())[0]
    project.run("--interp-update=missing")
    assert " same " in claims(project.run())[0]
    project.now(crossover=9)
    assert " changed " in claims(project.run())[0]
