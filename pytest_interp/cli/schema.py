"""``pytest-interp schema``: the JSON Schema of spec, facts and prompts files, and of reports."""

from __future__ import annotations

import argparse
import json
import sys

from pytest_interp.errors import InterpError

HELP = "print the JSON Schema of spec, facts or prompts files, or of the JSON report"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--facts", action="store_true", help="the schema of facts files")
    which.add_argument("--prompts", action="store_true", help="the schema of prompts files")
    which.add_argument("--report", action="store_true", help="the schema of --interp-report-json")


def run(given: argparse.Namespace) -> int:
    """Print the JSON Schema of *.interp.yaml files, or of the files that an option names.

    That of *.interp.yaml files has the experiments and claims that are installed here.
    """
    from pytest_interp.facts.files import FactsFile
    from pytest_interp.facts.promptfiles import PromptsFile
    from pytest_interp.report.reading import run_schema
    from pytest_interp.specs.jsonschema import DIALECT, spec_schema

    def note(error: InterpError) -> None:
        print(f"pytest-interp: left out: {error}", file=sys.stderr)

    if given.facts or given.prompts:
        file = FactsFile if given.facts else PromptsFile
        schema = {"$schema": DIALECT, **file.model_json_schema()}
    elif given.report:
        schema = run_schema()
    else:
        schema = spec_schema(note)
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0
