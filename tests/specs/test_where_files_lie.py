"""Spec files and the facts files that they name: which of them are read, and which refused."""

import os

import pytest

from pytest_interp.cli import main
from tests.specs.spec_project import run

FACTS = """\
templates: {say: "visitors say that {} stands in"}
facts:
  - {id: acropolis, template: say, subject: Acropolis, answer: " Paris",
     other: Alhambra, other_answer: " Rome"}
"""
SPEC = """\
model: planted-gpt2
backends: [nnsight]
experiment: causal_trace
facts_file: FILE
inputs: {fact: acropolis}
claims:
  - peak.layer: {at_most: 3}
"""
SECRET = "root:$6$hunter:19000:0:99999:7:::\npassword: hunter\n"
OUTSIDE = pytest.mark.guarantee(
    "files",
    "A facts file lies below rootdir or in a folder of interp_allowed_dirs; others are not read.",
    sees="The spec fails: the file lies outside; nothing of it is shown.",
)


@pytest.fixture
def place(pytester, monkeypatch):
    """A project below a folder with other files, and a spec in it that names a facts file."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    root = pytester.path / "project"
    (root / "specs").mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\n")
    (pytester.path / "secrets.yaml").write_text(SECRET)
    (pytester.path / "shared").mkdir()
    (pytester.path / "shared" / "facts.yaml").write_text(FACTS)
    (root / "facts.yaml").write_text(FACTS)
    monkeypatch.chdir(root)

    def place(name):
        file = root / "specs" / "some.interp.yaml"
        file.write_text(SPEC.replace("FILE", name))
        return file

    return place


def of_both(project, capsys):
    """What pytest says of the spec, and what the command line says."""
    result = run(project, "specs")
    result.assert_outcomes(failed=1)
    assert main(["run", "causal_trace", "--config", "specs/some.interp.yaml"]) == 2
    return [result.stdout.str(), capsys.readouterr().err]


@OUTSIDE
@pytest.mark.parametrize("name", ["../../secrets.yaml", "absolute", "link", "linked_folder"])
def test_a_facts_file_outside_of_rootdir_is_not_read(pytester, place, capsys, name):
    secrets, specs = pytester.path / "secrets.yaml", pytester.path / "project" / "specs"
    if name == "link":
        (specs / name).symlink_to(secrets)
    if name == "linked_folder":
        (specs / name).symlink_to(pytester.path / "shared")
        secrets.rename(pytester.path / "shared" / "secrets.yaml")
    names = {"absolute": str(secrets), "linked_folder": "linked_folder/secrets.yaml"}
    place(names.get(name, name))
    for said in of_both(pytester, capsys):
        assert "specs/some.interp.yaml:4: " in said
        assert "lies outside of" in said
        assert "interp_allowed_dirs" in said
        assert "hunter" not in said


@OUTSIDE
def test_facts_below_rootdir_and_in_allowed_folders_are_read(pytester, place, capsys):
    command = ["run", "causal_trace", "--config", "specs/some.interp.yaml", "--tag"]
    place("../facts.yaml")
    run(pytester).assert_outcomes(passed=1)
    assert main([*command, "a"]) == 0
    place("../../shared/facts.yaml")
    run(pytester).assert_outcomes(failed=1)
    (pytester.path / "project" / "pytest.ini").write_text(
        "[pytest]\ninterp_allowed_dirs = ../shared\n"
    )
    run(pytester).assert_outcomes(passed=1)
    assert main([*command, "b"]) == 0


@pytest.mark.guarantee(
    "files",
    "A spec file that is a link out of rootdir is not read.",
    sees="The spec fails: the file lies outside; nothing of it is shown.",
)
def test_a_spec_that_links_out_of_rootdir_is_not_read(pytester, place, capsys):
    place("../facts.yaml").unlink()
    (pytester.path / "project/specs/some.interp.yaml").symlink_to(pytester.path / "secrets.yaml")
    for said in of_both(pytester, capsys):
        assert "specs/some.interp.yaml:1: the file lies outside of" in said
        assert "hunter" not in said


@pytest.mark.parametrize("name", ['"a\\0b"', "pipe", "circle", "."])
def test_what_cannot_be_read_is_one_failing_spec(pytester, place, capsys, name):
    specs = pytester.path / "project" / "specs"
    os.mkfifo(specs / "pipe")
    (specs / "circle").symlink_to("circle")
    place(name)
    for said in of_both(pytester, capsys):
        assert "specs/some.interp.yaml:4: " in said
        assert "cannot be read" in said or "this is no regular file" in said


@pytest.mark.guarantee(
    "green",
    "A file that was meant as a spec is never passed over because of its name.",
    sees="A failing test that says which name to give it.",
)
@pytest.mark.parametrize("name", ["x.interp.yml", "X.Interp.YAML", "x.INTERP.yml"])
def test_a_spec_of_another_name_fails(project, spec_text, name):
    project.path.joinpath("capital.interp.yaml").unlink()
    project.path.joinpath(name).write_text(spec_text)
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [f"{name}:1: *ends in .interp.yaml: rename it to {name[0]}.interp*"]
    )
