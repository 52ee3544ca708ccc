"""Run records as JSON: the report of a run, its schema, and how it is read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pytest_interp.documents import shown
from pytest_interp.errors import ReportError
from pytest_interp.report.making import as_plain
from pytest_interp.report.run import SCHEMA, RunRecord, TestRecord

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MEND = "Write it again: pytest specs/ --interp-report-json PATH"


@cache
def _run() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)


@cache
def _test() -> TypeAdapter[TestRecord]:
    return TypeAdapter(TestRecord)


def to_json(run: RunRecord) -> str:
    """The report as JSON text, a line for each field of small values."""
    return json.dumps(as_plain(run), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_run(path: Path) -> RunRecord:
    """Read what :func:`to_json` wrote.

    Raises:
        ReportError: the file cannot be read, is damaged, is no report, or has another schema.
    """
    where = shown(path)
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{where} cannot be read: {error.strerror}. {_MEND}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{where} is damaged: it is no JSON text ({error}). {_MEND}") from error
    if not isinstance(data, dict) or "schema" not in data or "tests" not in data:
        raise ReportError(
            f"{where} is no report of a run: it has no 'schema' and 'tests'. Give a file that "
            "--interp-report-json wrote"
        )
    if data["schema"] != SCHEMA:
        raise ReportError(
            f"{where} has schema {data['schema']!r}, and this version reads {SCHEMA}. {_MEND}"
        )
    try:
        return _run().validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ReportError(f"{where} is damaged: {place}: {first['msg']}. {_MEND}") from error


def test_of(data: Mapping[str, Any]) -> TestRecord:
    """The record of one test, from what travelled with its report."""
    return _test().validate_python(data)


def run_schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    return {"$schema": _DIALECT, **_run().json_schema()}
