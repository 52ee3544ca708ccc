"""``pytest-interp schema``: the JSON Schema of spec files and of facts files, for editors."""

from __future__ import annotations

import argparse
import json
import sys

from pytest_interp.errors import InterpError


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of spec files or facts files, for editors",
        description="Prints the JSON Schema of *.interp.yaml files, with the experiments and "
        "claims that are installed here; with --facts, that of facts files.",
    )
    parser.add_argument("--facts", action="store_true", help="the schema of facts files")
    parser.set_defaults(command=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from pytest_interp.facts.files import FactsFile
    from pytest_interp.specs.jsonschema import DIALECT, spec_schema

    def note(error: InterpError) -> None:
        print(f"pytest-interp: left out: {error}", file=sys.stderr)

    schema = (
        {"$schema": DIALECT, **FactsFile.model_json_schema()} if given.facts else spec_schema(note)
    )
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0
