"""The JSON Schema of spec files: editors complete keys and mark mistakes by it."""

from __future__ import annotations

from typing import Any

from pytest_interp.experiments.registry import Experiment, experiment_names, find_experiment
from pytest_interp.specs.bounds import Bound
from pytest_interp.specs.claims import arguments_of, assertions
from pytest_interp.specs.schema import SpecFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_BY_NAME: dict[str, list[dict[str, Any]]] = {
    "fact": [{"type": "string", "description": "id of a fact"}],
    "facts": [
        {"type": "string", "description": "a shipped set, or all of the facts file"},
        {"type": "array", "items": {"type": "string"}, "description": "ids of facts"},
    ],
}


def spec_schema() -> dict[str, Any]:
    """The schema, with every experiment and claim that is registered."""
    schema = SpecFile.model_json_schema()
    experiments = [find_experiment(name) for name in experiment_names()]
    definitions: dict[str, Any] = {}
    schema["properties"]["experiment"]["enum"] = [one.name for one in experiments]
    schema["properties"]["claims"]["items"] = _claims(definitions)
    schema["allOf"] = [_inputs_when(one, definitions) for one in experiments]
    return {"$schema": DIALECT, **schema, "$defs": dict(sorted(definitions.items()))}


def _inputs_when(experiment: Experiment, definitions: dict[str, Any]) -> dict[str, Any]:
    inputs = _lifted(experiment.schema(), definitions)
    properties = inputs.get("properties", {})
    for key, by_name in _BY_NAME.items():
        if key in properties:
            properties[key] = {"anyOf": [*by_name, properties[key]]}
    inputs.setdefault("additionalProperties", False)
    definitions[f"inputs of {experiment.name}"] = inputs
    return {
        "if": {"properties": {"experiment": {"const": experiment.name}}},
        "then": {"properties": {"inputs": {"$ref": f"#/$defs/inputs of {experiment.name}"}}},
    }


def _claims(definitions: dict[str, Any]) -> dict[str, Any]:
    definitions["bound"] = _lifted(Bound.model_json_schema(), definitions)
    properties = {}
    for name, function in sorted(assertions().items()):
        definitions[f"claim {name}"] = _lifted(
            arguments_of(function).model_json_schema(), definitions
        )
        properties[name] = {"$ref": f"#/$defs/claim {name}"}
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": properties,
        "additionalProperties": {"$ref": "#/$defs/bound"},
    }


def _lifted(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with its own definitions moved to those of the whole."""
    definitions.update(schema.pop("$defs", {}))
    return schema
