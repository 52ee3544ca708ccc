"""``pytest-interp schema``: the JSON Schema of spec files and of facts files, for editors."""

from __future__ import annotations

import argparse
import json
import sys

from pytest_interp.errors import InterpError

HELP = "print the JSON Schema of spec files or facts files, for editors"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("--facts", action="store_true", help="the schema of facts files")


def run(given: argparse.Namespace) -> int:
    """Print the JSON Schema of *.interp.yaml files or, with --facts, of facts files.

    It has the experiments and claims that are installed here.
    """
    from pytest_interp.facts.files import FactsFile
    from pytest_interp.specs.jsonschema import DIALECT, spec_schema

    def note(error: InterpError) -> None:
        print(f"pytest-interp: left out: {error}", file=sys.stderr)

    facts = {"$schema": DIALECT, **FactsFile.model_json_schema()}
    schema = facts if given.facts else spec_schema(note)
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0
