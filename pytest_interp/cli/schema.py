"""``pytest-interp schema``: the JSON Schema of spec files, for editors."""

from __future__ import annotations

import argparse
import json


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of spec files, for editors",
        description="Prints the JSON Schema of *.interp.yaml files, with the experiments and "
        "claims that are installed here.",
    )
    parser.set_defaults(command=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from pytest_interp.specs.jsonschema import spec_schema

    print(json.dumps(spec_schema(), indent=2, ensure_ascii=False))
    return 0
