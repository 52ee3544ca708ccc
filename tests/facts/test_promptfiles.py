"""The exported schema of prompts files, and the copy that editors get."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from pytest_interp.cli import main

ROOT = Path(__file__).parents[2]
LISTED = """\
abstain: [" unknown"]
prompts:
  - {text: Ana is here, label: told, group: Ana, answer: " yes"}
"""
DRAWN = """\
from_templates:
  texts: {told: {here: "{person} is here"}}
  slots: {person: [Ana, Ben]}
  group: person
  n_per_class: 2
"""


@pytest.fixture
def schema(capsys):
    assert main(["schema", "--prompts"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_committed_schema_is_current(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    committed = json.loads((ROOT / "docs" / "prompts.schema.json").read_text())
    assert committed == schema, "run: pytest-interp schema --prompts > docs/prompts.schema.json"


@pytest.mark.parametrize(
    ("file", "change"),
    [
        (LISTED, ("label: told", "lable: told")),
        (LISTED, ("label: told, ", "")),
        (LISTED, ("prompts:", "prompt:")),
        (DRAWN, ("here: ", "here: [1], there: ")),
        (DRAWN, ("n_per_class: 2", "n_per_class: 0")),
        (DRAWN, ("  group: person\n", "")),
        (DRAWN + LISTED, ("x", "x")),
    ],
)
def test_the_schema_refuses(schema, file, change):
    for right in (LISTED, DRAWN):
        jsonschema.validate(yaml.safe_load(right), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(file.replace(*change)), schema)
