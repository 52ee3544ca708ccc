"""A comparison as JSON, as a page and as a figure."""

from __future__ import annotations

import json

import pytest
from made_runs import a_claim, a_result, a_run, a_test

from pytest_interp.errors import ReportError
from pytest_interp.models.changes import TensorChange, TensorChanges
from pytest_interp.report.comparison import outputs
from pytest_interp.report.comparison.pairs import compare_runs

NAMES = ("smollm2", "step-<b>2000")
HOSTILE = "</script><script>alert(1)</script> \x1b[31m"
DAMAGED = TensorChanges(272, (TensorChange("layers.5.mlp.down_proj", "all zero", 1.0),))


@pytest.fixture
def runs():
    """A claim that breaks, with what the result says of itself, and a claim in hostile words."""
    reading = {"name": "hand-off", "value": 23, "unit": "layer"}
    result = {"ids": ["a", "b", "c"], "lead": [1.0, 2.0, 3.0]}
    moved = {"ids": ["a", "b", "c"], "lead": [0.1, 1.2, float("nan")]}
    axes = {"lead": (("fact", "ids"),)}
    hostile = a_test("test_h", claims=[a_claim(claim=HOSTILE)])
    before = a_test(claims=[a_claim()], results=[a_result("same", (), [reading], result, axes)])
    after = a_test(
        outcome="failed",
        claims=[a_claim("failed", margin=-0.5)],
        results=[a_result("changed", (), [reading], moved, axes)],
    )
    return a_run(before, hostile), a_run(after, hostile)


@pytest.fixture
def found(runs):
    return [compare_runs(*runs, NAMES, DAMAGED)]


def test_the_json_has_every_number_and_nothing_that_json_lacks(runs, found):
    text = outputs.as_json(NAMES, runs, found, ".json").decode()
    data = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    (one,) = data["comparisons"]
    assert one["counts"] == {"breaks": 1, "survives": 1}
    assert one["results"][0]["readings"] == ["hand-off unchanged at layer 23"]
    assert [shift["field"] for shift in one["results"][0]["facts"]["shifts"]] == ["lead"]
    assert data["runs"][1]["tests"][0]["results"][0]["result"]["lead"] == [0.1, 1.2, None]
    assert [line["points"][1]["status"] for line in data["lines"]] == ["failed", "passed"]


def test_the_page_says_the_damaged_layer_and_shows_text_as_text(runs, found):
    page = outputs.as_html(NAMES, runs, found, ".html").decode()
    assert "1 of 272 tensors differs: layers.5.mlp.down_proj, all zero" in page
    assert "hand-off unchanged at layer 23" in page
    assert "step-&lt;b&gt;2000" in page
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert page.index("breaks</span>") < page.index("survives</span> 1")


def test_the_figure_is_what_its_suffix_says(runs, found):
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        assert outputs.as_figure(NAMES, runs, found, suffix).startswith(start)
    with pytest.raises(ReportError, match=r"written as \.png, \.svg, \.pdf, .*ends in '\.bmp'"):
        outputs.as_figure(NAMES, runs, found, ".bmp")


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReportError, match="could not be written"):
        outputs.write(tmp_path / "folder", b"")
    outputs.write(tmp_path / "new" / "file", b"x")
    assert (tmp_path / "new" / "file").read_bytes() == b"x"
