"""The exported schema, and the copy that editors get."""

import copy
import json
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path

import jsonschema
import pytest
import yaml

from pytest_interp import registry
from pytest_interp.cli import main
from pytest_interp.errors import InterpError
from pytest_interp.experiments.registry import EXPERIMENTS
from pytest_interp.specs.jsonschema import spec_schema

ROOT = Path(__file__).parents[2]
FACT = ("clean_prompt", "corrupt_prompt", "answer", "counterfactual_answer", "subject")


@pytest.fixture(scope="module")
def schema():
    made = spec_schema()
    # other tests of this process may have registered some of their own
    made = copy.deepcopy(made)
    known = json.loads((ROOT / "docs" / "interp.schema.json").read_text())
    experiments = made["properties"]["experiment"]["enum"]
    made["properties"]["experiment"]["enum"] = [e for e in experiments if "extending" not in e]
    made["allOf"] = [
        one
        for one in made["allOf"]
        if "extending" not in one["if"]["properties"]["experiment"]["const"]
    ]
    made["$defs"] = {name: one for name, one in made["$defs"].items() if name in known["$defs"]}
    return made


def test_committed_copy_is_current(schema):
    committed = json.loads((ROOT / "docs" / "interp.schema.json").read_text())
    assert committed == schema, "run: pytest-interp schema > docs/interp.schema.json"


def test_broken_experiment_of_another_package_is_left_out(monkeypatch, capsys):
    points = {
        name: EntryPoint(name, value, EXPERIMENTS.group)
        for name, value in {"absent": "no_such_module:It", "wrong": "json:loads"}.items()
    }
    monkeypatch.setattr(
        registry, "entry_points", cache(lambda group: points if group == EXPERIMENTS.group else {})
    )
    assert main(["schema"]) == 0
    told = capsys.readouterr()
    known = json.loads(told.out)["properties"]["experiment"]["enum"]
    assert "causal_trace" in known
    assert not {"absent", "wrong"} & set(known)
    assert "'absent' cannot be loaded from no_such_module:It: ModuleNotFoundError" in told.err
    assert "loads cannot be the experiment 'wrong'" in told.err
    with pytest.raises(InterpError, match=r"cannot be loaded.*Repair that package"):
        EXPERIMENTS.find("absent")


def test_schema_is_valid(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


def test_schema_takes_the_specs_of_this_repository(schema):
    files = {*ROOT.glob("configs/*.yaml"), *ROOT.glob("examples/**/*.interp.yaml")}
    # these ask for an experiment and a backend of their own package
    files -= {*ROOT.glob("examples/extension/**/*.interp.yaml")}
    assert files
    for file in files:
        jsonschema.validate(yaml.safe_load(file.read_text()), schema)


@pytest.mark.parametrize(
    "change",
    [
        {"modle": "x"},
        {"experiment": "unknown"},
        {"inputs": {"sit": "mlp_out"}},
        {"claims": [{"fact_localized": {"layers": 3}}]},
        {"claims": [{"peak.layer": {"atmost": 3}}]},
        {"seed": "x"},
        {"backends": ["nsight"]},
        {"device": "tpu"},
        {"dtype": "float7"},
        {"inputs": {"fact": "x", "metric": "prob"}},
        {"inputs": {"fact": "x", "seed": 3}},
        {"inputs": {"fact": dict.fromkeys(FACT, "x") | {"subjct": "x"}}},
    ],
)
def test_schema_refuses(schema, spec_text, change):
    right = yaml.safe_load(spec_text)
    jsonschema.validate(right, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(right | change, schema)
