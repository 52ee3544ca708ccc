"""The JSON report: what is written, its schema, and files that are none."""

import json
from pathlib import Path

import jsonschema
import pytest
from made_results import lens

from pytest_interp.cli import main
from pytest_interp.errors import ReportError
from pytest_interp.report.making import as_plain, result_record
from pytest_interp.report.reading import read_run, run_schema, test_of as read_test, to_json
from pytest_interp.report.run import (
    BaselineRecord,
    ChangeRecord,
    ClaimRecord,
    ControlRecord,
    Interval,
    RunRecord,
    TestRecord,
)

ROOT = Path(__file__).parents[2]
RUN = RunRecord(
    time="2026-01-01T00:00:00+00:00",
    seconds=1.5,
    command="pytest specs",
    exit_status=0,
    rootdir="here",
    versions={"numpy": "2.0"},
    git_sha=None,
    git_dirty=None,
    python="3.11",
    platform="tests",
    tests=(
        TestRecord(
            id="specs/test_a.py::test_it",
            spec="specs/test_a.py",
            line=3,
            name="test_it",
            about="",
            model="made",
            backend=None,
            checkpoint=None,
            outcome="passed",
            message="",
            seconds=0.1,
            command="pytest specs/test_a.py::test_it",
            claims=(
                ClaimRecord(
                    claim="c",
                    status="passed",
                    headline="passed: yes",
                    sentence="yes",
                    scope="existence, n = 1",
                    n=1,
                    effect=Interval(value=float("nan"), low=0.1, high=None),
                    controls=(ControlRecord(text="one", holds=None),),
                    verdict={"models": ["made"]},
                ),
            ),
            results=(
                result_record(lens(), None, Path(), whole=True),
                result_record(lens(), None, Path(), whole=False),
            ),
        ),
    ),
)
KEPT = pytest.mark.guarantee(
    "messages",
    "A JSON report that is damaged, foreign or of another version is refused.",
    sees="The file, what is wrong with it, and how to write it again.",
)


def test_what_is_written_is_read_again(tmp_path):
    file = tmp_path / "run.json"
    file.write_text(to_json(RUN))
    again = read_run(file)
    assert as_plain(again) == as_plain(RUN)
    assert again.tests[0].claims[0].effect.value is None
    assert again.tests[0].results[0].figure is not None
    assert again.tests[0].results[0].axes["answer_prob"] == (("layer", "layers"),)
    assert again.tests[0].results[1].result == {}
    assert read_test(as_plain(again)["tests"][0]) == again.tests[0]


def test_an_optional_field_may_be_absent(tmp_path):
    data = json.loads(to_json(RUN))
    del data["tests"][0]["claims"], data["tests"][0]["results"]
    file = tmp_path / "run.json"
    file.write_text(json.dumps(data))
    assert read_run(file).tests[0].claims == ()


@KEPT
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text[:-20], "is damaged: it is no JSON text"),
        (lambda text: text.replace('"outcome": "passed"', '"outcome": "fine"'), "tests.0.outcome"),
        (lambda text: text.replace('"line": 3', '"line": "x"'), "tests.0.line"),
        (lambda text: text.replace('"schema": 1', '"schema": 2'), "has schema 2, and this version"),
        (lambda text: "[]", "no report of a run"),
        (lambda text: '{"schema": 1, "result": {}}', "no report of a run"),
        (lambda text: "[" * 100_000, "is damaged"),
        (lambda text: "\x00", "is damaged"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path, change, says):
    file = tmp_path / "run.json"
    whole = to_json(RUN)
    file.write_text(change(whole))
    assert file.read_text() != whole
    with pytest.raises(ReportError, match=says.replace(".", r"\.")) as caught:
        read_run(file)
    assert str(file) in str(caught.value)
    assert "--interp-report-json" in str(caught.value)


@KEPT
def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for place in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(ReportError, match=f"{place} cannot be read: .*interp-report-json"):
            read_run(place)


@pytest.mark.guarantee(
    "messages",
    "The JSON report has a published schema, which the reports hold to.",
    sees="pytest-interp schema --report prints it; docs/report.schema.json is a copy.",
)
def test_the_schema_is_published_and_holds(capsys):
    assert main(["schema", "--report"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == run_schema()
    committed = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    assert committed == schema, "run: pytest-interp schema --report > docs/report.schema.json"
    data = json.loads(to_json(RUN))
    jsonschema.validate(data, schema)
    data["tests"][0]["outcome"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)


def test_a_change_is_kept_with_its_place():
    change = ChangeRecord(path="x at layer 1", text="x: 1 -> 2", old=1, new=2, keys=("x", 1))
    record = BaselineRecord(file="f", name=None, state="changed", changes=(change,))
    assert as_plain(record)["changes"][0]["keys"] == ["x", 1]
