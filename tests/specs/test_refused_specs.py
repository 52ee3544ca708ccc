"""A spec that cannot be read is one failing test, and disturbs no other."""

import ast
import tracemalloc
from xml.etree import ElementTree

import pytest

from tests.specs.spec_project import CONFTEST, run

BROKEN = {
    "key": "modle: planted-gpt2\n",
    "type": "model: [1]\nexperiment: logit_lens\ninputs: {}\n",
    "tab": "model:\n\tx: 1\n",
    "empty": "",
    "bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{n}: &{n} [{','.join(['*' + b] * 9)}]\n" for b, n in zip("abcdef", "bcdefg")),  # noqa: B905
    "mark": "model: planted-gpt2\nexperiment: numbers\ninputs: {}\nbaseline: true\n"
    "marks: [parametrize]\n",
    "config": "model: planted-gpt2\nexperiment: refusing\ninputs: {x: 1}\nbaseline: true\n",
    "schema": "model: planted-gpt2\nexperiment: unreadable\ninputs: {x: 1}\nbaseline: true\n",
    "tag": "model: !!python/object/apply:os.system ['touch pwned']\n",
}


@pytest.mark.guarantee(
    "files",
    "A spec that cannot be read is one failing test; all other tests run.",
    sees="File, line and what is wrong there.",
)
def test_broken_specs_fail_alone_and_disturb_nothing(project):
    project.makeconftest(CONFTEST)
    for name, text in BROKEN.items():
        project.path.joinpath(f"{name}.interp.yaml").write_text(text)
    with project.path.joinpath("large.interp.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    project.makepyfile("def test_other(): pass")
    result = run(project, "-k", "not transformer_lens")
    result.assert_outcomes(failed=len(BROKEN) + 1, passed=3, deselected=2)
    for name in (*BROKEN, "large"):
        result.stdout.fnmatch_lines([f"{name}.interp.yaml:*: *"])
    result.stdout.fnmatch_lines(["mark.interp.yaml:5: the mark 'parametrize' cannot be given*"])
    result.stdout.fnmatch_lines(["config.interp.yaml:3: *'refusing'*KeyError*(conftest.py:*)"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*Interrupted*")
    assert not project.path.joinpath("pwned").exists()


def test_a_spec_is_not_read_as_python(project, monkeypatch):
    parse = ast.parse

    def before_3_11_4(source, *arguments, **options):
        if isinstance(source, str) and "\0" in source:
            raise ValueError("source code string cannot contain null bytes")
        return parse(source, *arguments, **options)

    monkeypatch.setattr(ast, "parse", before_3_11_4)
    project.path.joinpath("nulls.interp.yaml").write_text("model: x\0\n")
    result = run(project, "-k", "spec or peak")
    result.assert_outcomes(failed=1, passed=2, deselected=2)
    result.stdout.fnmatch_lines(["nulls.interp.yaml:*: *"])


@pytest.mark.guarantee(
    "files",
    "A spec that cannot be read is one failing test; all other tests run.",
    sees="File, line and what is wrong there.",
)
@pytest.mark.parametrize("name", ["__class__", "_config", "__dict__", "_markers", "", " ", "1"])
def test_no_name_of_a_mark_stops_the_run(project, spec_text, name):
    project.path.joinpath("other.interp.yaml").write_text(f"{spec_text}marks: ['{name}']\n")
    result = run(project, "-k", "spec or localized and nnsight")
    result.assert_outcomes(failed=1, passed=1, deselected=3)
    result.stdout.fnmatch_lines([f"other.interp.yaml:15: '{name}' is no name of a mark*"])


@pytest.mark.guarantee(
    "files",
    "Prompts and keys of a spec are shown as text: no escapes reach the terminal, no HTML a page.",
    sees="The number of the sign in place of the sign.",
)
@pytest.mark.parametrize(
    "change",
    [
        ("peak.layer: {at_most: 3}", 'peak.token: {equals: "HOSTILE"}'),
        ("peak.layer: {at_most: 3}", 'peak.layer: {at_most: 3, "HOSTILE": 1}'),
        ("site: resid_post\n", 'site: "HOSTILE"\n'),
        ("site: resid_post\n", 'site: {"HOSTILE": 1}\n'),
        ("model: planted-gpt2", 'model: "HOSTILE"'),
        ("model: planted-gpt2", '"HOSTILE": 1'),
        ("subject: Acropolis", 'subject: "HOSTILE"'),
    ],
)
def test_escapes_in_a_spec_are_shown_as_text(project, spec_text, change):
    assert change[0] in spec_text
    hostile = spec_text.replace(*change).replace("HOSTILE", "\\e[31m<script>x</script>")
    project.path.joinpath("capital.interp.yaml").write_text(hostile)
    result = run(project, "-k", "spec or peak and nnsight", "--junitxml=out.xml")
    assert result.parseoutcomes()["failed"] == 1
    assert "<script>" in result.stdout.str()
    assert "\x1b" not in result.stdout.str()
    page = ElementTree.parse(project.path / "out.xml")
    assert not list(page.iter("script"))


def test_unknown_mark_is_one_error_under_strict_markers(project, spec_text):
    project.path.joinpath("capital.interp.yaml").write_text(spec_text + "marks: [carefull]\n")
    project.makeini("[pytest]\nmarkers = careful: with care\n")
    result = run(project, "--strict-markers")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["capital.interp.yaml:15: unknown mark 'carefull'*"])


def test_unknown_mark_is_warned_of_at_its_line_in_the_file(project, spec_text):
    project.path.joinpath("capital.interp.yaml").write_text(spec_text + "marks: [carefull]\n")
    result = run(project, "-k", "nothing", "-W", "always")
    result.stdout.fnmatch_lines(["*capital.interp.yaml:15: PytestUnknownMarkWarning*"])
    result = run(project, "-W", "error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["capital.interp.yaml:15: unknown mark 'carefull'*"])


def test_error_that_nobody_foresaw_is_one_failing_test(project, monkeypatch):
    from pytest_interp.specs import schema

    def fail(*_):
        raise ZeroDivisionError("of a package\nthat is broken")

    monkeypatch.setattr(schema, "find_model", fail)
    project.makepyfile("def test_other(): pass")
    result = run(project)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["capital.interp.yaml:1: the spec cannot be read: ZeroDivisionError: of a package that*"]
    )


def test_refused_spec_costs_no_more_under_pytest(project):
    """Pytest would write out every value on the way to an error, aliases and all."""
    many = f"a: &a {'x' * 50_000}\nb: [{'*a, ' * 5_000}]\n"
    project.path.joinpath("capital.interp.yaml").write_text(many)
    tracemalloc.start()
    try:
        run(project).assert_outcomes(failed=1)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
