"""``--interp-figures``: a file for each result of a run."""

import os
from pathlib import Path

import pytest

from tests.figures.test_export import PAPER

SPEC = """
import pytest
from made_results import lens, trace
from pytest_interp.plugin.properties import record_result

def test_two(baseline, request):
    baseline.check(trace())
    baseline.check(lens(), name="lens")

def test_one(request):
    record_result(request.node, lens())
    record_result(request.node, trace())
    assert 0

def test_none(): pass
"""


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*.*"))


@PAPER
def test_each_result_has_a_file_named_after_its_test(project):
    project.spec("test_f", SPEC)
    project.run("--interp-update=missing", "-k", "two")
    result = project.run("--interp-figures=svg", "--interp-figures-size=3x2")
    result.assert_outcomes(passed=2, failed=1)
    assert files("figures") == [
        "specs/test_f/test_one--made--2.svg",
        "specs/test_f/test_one--made.svg",
        "specs/test_f/test_two--made--lens.svg",
        "specs/test_f/test_two--made.svg",
    ]
    assert (
        'width="216pt" height="144pt"'
        in Path("figures/specs/test_f/test_two--made.svg").read_text()
    )
    result.stdout.fnmatch_lines(["interp: figures below figures"])


@PAPER
def test_each_backend_has_its_own_file(project):
    project.claims(
        """
import dataclasses
from made_results import lens
from pytest_interp.plugin.properties import record_result
def test_it(interp_target, request):
    named = {"model": interp_target.model, "backend": interp_target.backend}
    record_result(request.node, lens(**named))
"""
    )
    project.run("--interp-figures=pdf", "--interp-figures-dir=new/place").assert_outcomes(passed=2)
    assert files("new/place") == [
        "specs/test_c/test_it--planted-gpt2@nnsight.pdf",
        "specs/test_c/test_it--planted-gpt2@transformer_lens.pdf",
    ]


def test_a_wrong_size_or_folder_is_refused_before_the_run(project):
    project.spec("test_f", SPEC)
    result = project.run("--interp-figures=svg", "--interp-figures-size=big")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: cannot read the size of figures 'big': *"])
    result = project.run("--interp-figures=svg", "--interp-figures-dir=now.json/figures")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: figures cannot be saved below *: it is no folder.*"])


def test_the_ini_file_asks_for_figures_below_its_own_folder(project):
    project.spec("test_f", SPEC)
    ini = project.path / "tox.ini"
    asked = "\ninterp_figures = svg\ninterp_figures_dir = drawn\ninterp_figures_size = 3x2\n"
    ini.write_text(ini.read_text() + asked)
    os.chdir("specs")
    project.run("-k", "one")
    assert files(project.path / "drawn") == [
        "specs/test_f/test_one--made--2.svg",
        "specs/test_f/test_one--made.svg",
    ]
    figure = project.path / "drawn/specs/test_f/test_one--made.svg"
    assert 'width="216pt" height="144pt"' in figure.read_text()
    given = ("--interp-figures=png", "--interp-figures-dir=given", "--interp-figures-size=4x3")
    project.run("-k", "one", *given)
    assert len(files("given")) == 2
    ini.write_text(ini.read_text().replace("= svg", "= gif"))
    result = project.run()
    result.stderr.fnmatch_lines(["*interp_figures = 'gif' in the ini file: use svg, pdf, png"])


def test_no_file_is_written_where_none_was_asked_for(project):
    project.spec("test_f", SPEC)
    project.run()
    assert not Path("figures").exists()
