"""The JSON Schema of spec files: editors complete keys and mark mistakes by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_interp.claims.registry import CLAIMS
from pytest_interp.errors import InterpError
from pytest_interp.experiments.registry import EXPERIMENTS, Experiment
from pytest_interp.specs.bounds import Bound
from pytest_interp.specs.claims import arguments_of
from pytest_interp.specs.schema import SpecFile, inputs_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_BY_NAME: dict[str, list[dict[str, Any]]] = {
    "fact": [{"type": "string", "description": "id of a fact"}],
    "facts": [
        {"type": "string", "description": "a shipped set, or all of the facts file"},
        {"type": "array", "items": {"type": "string"}, "description": "ids of facts"},
    ],
    "prompts": [{"type": "string", "description": "a shipped set, or all of the prompts file"}],
}


def spec_schema(left_out: Callable[[InterpError], None] = lambda error: None) -> dict[str, Any]:
    """The schema, with every experiment and claim that is registered.

    An experiment of another package that cannot be used is left out; ``left_out`` gets the error.
    """
    schema = SpecFile.model_json_schema()
    definitions: dict[str, Any] = {}
    experiments: dict[str, dict[str, Any]] = {}
    for name in EXPERIMENTS.names():
        try:
            experiments[name] = _inputs_when(EXPERIMENTS.find(name), definitions)
        except InterpError as error:
            left_out(error)
    schema["properties"]["experiment"]["enum"] = list(experiments)
    schema["properties"]["claims"]["items"] = _claims(definitions)
    schema["allOf"] = list(experiments.values())
    return {"$schema": DIALECT, **schema, "$defs": dict(sorted(definitions.items()))}


def _inputs_when(experiment: Experiment, definitions: dict[str, Any]) -> dict[str, Any]:
    inputs = _lifted(inputs_schema(experiment), definitions)
    properties = inputs.get("properties", {})
    for key, by_name in _BY_NAME.items():
        if key in properties:
            properties[key] = {"anyOf": [*by_name, properties[key]]}
    definitions[f"inputs of {experiment.name}"] = inputs
    return {
        "if": {"properties": {"experiment": {"const": experiment.name}}},
        "then": {"properties": {"inputs": {"$ref": f"#/$defs/inputs of {experiment.name}"}}},
    }


def _claims(definitions: dict[str, Any]) -> dict[str, Any]:
    definitions["bound"] = _lifted(Bound.model_json_schema(), definitions)
    properties = {}
    for name, function in sorted(CLAIMS.all().items()):
        schema = arguments_of(function).model_json_schema()
        definitions[f"claim {name}"] = _lifted(schema, definitions)
        properties[name] = {"$ref": f"#/$defs/claim {name}"}
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": properties,
        "additionalProperties": {"$ref": "#/$defs/bound"},
    }


def _lifted(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with its own definitions moved to those of the whole, all of them closed."""
    inner = schema.pop("$defs", {})
    for one in (schema, *inner.values()):
        if "properties" in one:  # no other keys, as :func:`validated` has it
            one.setdefault("additionalProperties", False)
    definitions.update(inner)
    return schema
