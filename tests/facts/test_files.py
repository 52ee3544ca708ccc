"""Facts files: reading them, and what is said of wrong ones."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from pytest_interp import FactPrompt, FactSet
from pytest_interp.cli import main
from pytest_interp.documents import MAX_MISTAKES
from pytest_interp.errors import SpecError

ROOT = Path(__file__).parents[2]
FILE = """
name: capitals
templates:
  plain: "The capital of {} is"
facts:
  - {template: plain, subject: France, answer: " Paris", other: Japan, other_answer: " Tokyo"}
  - {id: mine, template: plain, subject: "true", answer: " x", other: Spain, other_answer: " y"}
"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads a text as a facts file."""
    monkeypatch.chdir(tmp_path)

    def read(text):
        Path("facts.yaml").write_text(text)
        return FactSet.from_yaml("facts.yaml")

    return read


@pytest.fixture
def mistakes(read):
    """What is said of a wrong file, line by line."""

    def mistakes(text):
        with pytest.raises(SpecError) as refused:
            read(text)
        return str(refused.value).splitlines()

    return mistakes


def test_what_a_file_holds(read):
    facts = read(FILE)
    first, second = facts
    assert first.prompt == FactPrompt(
        clean_prompt="The capital of France is",
        corrupt_prompt="The capital of Japan is",
        answer=" Paris",
        counterfactual_answer=" Tokyo",
        subject="France",
    )
    assert (first.id, second.id) == ("plain-france-japan", "mine")
    assert (len(facts), facts.templates, facts.name) == (2, ("plain",), "capitals")
    assert read(FILE.replace("name: capitals", "")).name == "facts"


FIRST = "{template: plain, subject: France"


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("subject: France", "subjet: France"), 6, "unknown key 'subjet': did you mean 'subject'"),
        (("subject: France, ", ""), 6, "the key 'subject' is missing in facts.0"),
        ((FIRST, "{template: plan, subject: France"), 6, "this name: did you mean 'plain'?"),
        ((FIRST, "{template: plain, subject: no"), 6, "subject: expected text, got false: put"),
        (("id: mine, template: plain", "template: 1"), 7, "template: expected text, got a number"),
        (
            ("id: mine", "id: plain-france-japan"),
            7,
            "the id of the one in facts.yaml:6: give it another",
        ),
        (("{id: mine", "{id: 3"), 7, "id: expected text, got a number"),
        (('"The capital of {} is"', '"The capital is"'), 4, "needs {} exactly once"),
        (("name: capitals", "name: [a]"), 2, "name: expected text"),
        (("facts:", "fact:"), 5, "unknown key 'fact': did you mean 'facts'"),
        ((FIRST, "{template: [}"), 6, "expected the node content"),
        (("name: capitals", "name: &a [*a]"), 2, "contains itself"),
    ],
)
def test_a_mistake_is_told_with_its_line(mistakes, change, line, says):
    assert change[0] in FILE
    (told,) = mistakes(FILE.replace(*change))
    assert told.startswith(f"facts.yaml:{line}: ")
    assert says in told


def test_all_kinds_of_mistakes_are_told_at_once(mistakes):
    wrong = FILE.replace("{template: plain", "{template: plan", 1).replace("answer:", "answr:", 1)
    wrong = wrong.replace("name: capitals", "name: 3").replace('subject: "true", ', "")
    lines = [told.split(":")[1] for told in mistakes(wrong.replace(", other: Spain", ""))]
    assert lines == ["2", "6", "6", "7", "7"]


def test_no_more_mistakes_are_told_than_can_be_read(mistakes):
    fact = "  - {template: plan, subject: a, answer: b, other: c, other_answer: d}\n"
    told = mistakes(FILE + fact * 15)
    assert len(told) == MAX_MISTAKES + 1
    assert told[-1] == "... and 5 more mistakes"


def test_repeated_prompts_are_told_with_both_lines(mistakes):
    last = FILE.splitlines()[-1].replace("id: mine", "id: other")
    (told,) = mistakes(FILE + last)
    assert told.startswith("facts.yaml:8: this fact has the prompts of the one in facts.yaml:7")


FACT = "facts: [{template: %s, subject: a, answer: b, other: c, other_answer: d}]\n"
SECRETS = {
    "of templates": "templates: {a: {user: hunter1, b: {x: hunter2}}, c: [hunter3], d: hunter4}",
    "list": "templates: [{user: hunter1}]\nfacts: {password: hunter5}\nkeys: hunter6",
    "number": "templates: {a: 4711, b: 47.11}\n" + FACT % "a",
    "name of a template": "templates: {a: 'x {}'}\n" + FACT % "hunter1",
    "date": "templates: {a: 4711-12-24}\nname: 4711-12-24\n" + FACT % "a",
    "key": "root:*:hunter:0:99999:7:::\n",
    "key within": "templates: {'root:$6$hunter': 1}\n" + FACT % "a",
    "key twice": "'root:$6$hunter': 1\n'root:$6$hunter': 1\n",
    "key that is a number": "4711: 1\n'hunter:$': 1\n",
    "alias": "password: *hunter\n",
    "anchor twice": "a: &hunter 1\nb: *hunter2\n",
    "tag": "password: !hunter 1\n",
    "tag of an object": "password: !!python/name:hunter 1\n",
    "tag of a number": "password: !!int hunter\n",
    "tag of a float": "password: !!float hunter\n",
    "tag of a truth value": "password: !!bool hunter\n",
    "directive": "%TAG hunter\n---\na: 1\n",
    "escape": 'a: "\\hunter"\n',
    "text": "hunter 4711\nhunter\n",
    "repeated": FILE + FILE.splitlines()[-1].replace("mine", "hunter"),
}


@pytest.mark.guarantee(
    "files",
    "Messages about a facts file show no content of it: a path may lead to a file of secrets.",
    sees="Keys, lines and kinds of values.",
)
@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_values_of_a_file_are_not_shown(mistakes, text):
    told = "".join(mistakes(text))
    assert told.startswith("facts.yaml:")
    assert "hunter" not in told
    assert "4711" not in told
    assert "47.11" not in told


def test_a_long_value_is_shortened(mistakes):
    (told,) = mistakes(FILE.replace('"The capital of {} is"', f"{{{'x' * 500}: 1}}"))
    assert len(told) < 150


def test_template_may_have_other_braces(read):
    facts = read(FILE.replace("of {} is", "of {} is {x}"))
    assert facts.prompts[0].clean_prompt == "The capital of France is {x}"


@pytest.fixture
def schema(capsys):
    assert main(["schema", "--facts"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_committed_schema_is_current(schema):
    committed = json.loads((ROOT / "docs" / "facts.schema.json").read_text())
    assert committed == schema, "run: pytest-interp schema --facts > docs/facts.schema.json"


def test_the_schema_takes_the_facts_of_this_repository(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    files = [*ROOT.glob("pytest_interp/facts/*.yaml"), *ROOT.glob("examples/**/facts.yaml")]
    assert len(files) > 7
    for file in files:
        jsonschema.validate(yaml.safe_load(file.read_text()), schema)


@pytest.mark.parametrize(
    "change",
    [
        ("subject: France", "subjet: France"),
        ("subject: France, ", ""),
        ("subject: France", "subject: no"),
        ("of {} is", "is"),
        ("of {} is", "of {}{} is"),
        ("facts:", "fact:"),
    ],
)
def test_the_schema_refuses(schema, change):
    jsonschema.validate(yaml.safe_load(FILE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(FILE.replace(*change)), schema)


@pytest.mark.parametrize(("use", "loads"), [("", False), ("; load_facts('capitals')", True)])
def test_pydantic_is_loaded_when_a_file_is_read(use, loads):
    code = f"import sys; from pytest_interp import FactPrompt, FactSet, load_facts{use}"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print('pydantic' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(loads)
