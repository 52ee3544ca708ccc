import json
from dataclasses import replace

import numpy as np
import pytest
from made_results import lens, trace

from pytest_interp.baselines.entry import Entry, plain
from pytest_interp.errors import BaselineError


@pytest.mark.parametrize("result", [lens(), trace()], ids=["lens", "trace"])
def test_what_is_written_is_read_again(result):
    entry = Entry.of(result)
    assert Entry.loads(entry.dumps(), "x") == entry


def test_axes_and_findings_are_kept_where_a_result_has_them():
    made = Entry.of(trace())
    saved = json.loads(made.dumps())
    assert saved["schema"] == 1
    assert saved["axes"]["recovery"][1] == {"name": "token", "labels": "str_tokens"}
    assert saved["findings"] == {"peak": {"by": "recovery", "how": "largest"}}
    without = replace(made, axes={}, findings={})
    assert set(json.loads(without.dumps())) == {"schema", "result", "tolerances", "provenance"}
    assert Entry.loads(without.dumps(), "x") == without


def test_the_text_has_a_line_for_each_row():
    lines = Entry.of(trace()).dumps().splitlines()
    start = next(i for i, line in enumerate(lines) if '"recovery": [' in line)
    assert [len(json.loads(line.rstrip(","))) for line in lines[start + 1 : start + 13]] == [5] * 12


def test_numpy_and_tuples_become_plain():
    given = {"a": np.float32(0.5), "b": np.arange(2), "c": (np.int64(1), None), "d": np.bool_(True)}
    assert plain(given, "x") == {"a": 0.5, "b": [0, 1], "c": [1, None], "d": True}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), np.float64("-inf")])
def test_undefined_numbers_are_refused_by_their_place(bad):
    with pytest.raises(BaselineError, match=r"x\.a\[1\] is -?(nan|inf)"):
        plain({"a": [0.0, bad]}, "x")


def test_a_degenerate_trace_is_refused():
    made = trace()
    flat = {k: getattr(made, k) for k in made.__dataclass_fields__ if k != "recovery"}
    with pytest.raises(BaselineError, match=r"recovery\[0\]\[0\] is nan.*give the same metric"):
        Entry.of(type(made)(**{**flat, "corrupt_metric": 5.0}))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({1: 2}, "the key 1"),
        ({"a": object()}, r"x\.a is of type object"),
        ({"a": {1}}, "of type set"),
    ],
)
def test_what_json_cannot_say_is_refused(value, told):
    with pytest.raises(BaselineError, match=told):
        plain(value, "x")


def with_tolerance(tolerance):
    return (
        f'{{"result": {{}}, "schema": 1, "tolerances": {{"a": {tolerance}}}, "provenance": {{}}}}'
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be read as JSON"),
        ('{"result": {"a": NaN}, "schema": 1}', "it holds NaN"),
        ('{"result": {"a": [1e999]}, "schema": 1}', "it holds 1e999"),
        (f'{{"result": {{"a": {"9" * 400}}}, "schema": 1}}', r"it holds 9999\d*\.\.\."),
        (b"\xff\xfe", "cannot be read as JSON .*utf-8"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("<<<<<<< HEAD\n{}", "cannot be read as JSON"),
        ("[]", "is no JSON object"),
        ('{"result": {}, "schema": 99}', "has schema 99, and this version reads 1"),
        ('{"schema": 1}', "no object 'result'"),
        ('{"result": {}, "schema": 1, "tolerances": []}', "no object 'tolerances'"),
        ('{"result": {}, "schema": 1, "tolerances": {}, "provenance": null}', "'provenance'"),
        (with_tolerance('{"atol": 1}'), "the tolerance of 'a'"),
        (with_tolerance('{"atol": 1, "rtol": "1"}'), "the tolerance of 'a'"),
        (with_tolerance('{"atol": -1, "rtol": 0}'), "the tolerance of 'a'"),
        (with_tolerance('{"atol": Infinity, "rtol": 0}'), "it holds Infinity"),
        (with_tolerance("1"), "the tolerance of 'a'"),
    ],
)
def test_damaged_files_are_refused_with_what_mends_them(text, told):
    with pytest.raises(BaselineError, match=told) as caught:
        Entry.loads(text, "some/file.json")
    assert "some/file.json" in str(caught.value)
    assert "--interp-update=all" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"axes": []}, "no object 'axes'"),
        ({"axes": {"a": 1}}, "the axes of 'a'"),
        ({"axes": {"a": ["layer"]}}, "the axes of 'a'"),
        ({"axes": {"a": [{"name": "layer"}]}}, "the axes of 'a'"),
        ({"axes": {"a": [{"name": "layer", "labels": []}]}}, "the axes of 'a'"),
        ({"findings": None}, "no object 'findings'"),
        ({"findings": {"a": "b"}}, "the finding 'a'"),
        ({"findings": {"a": {"by": "b", "how": "luck"}}}, "the finding 'a'"),
        ({"findings": {"a": {"by": 1, "how": "sign"}}}, "the finding 'a'"),
        ({"findings": {"a": {"by": "b", "how": []}}}, "the finding 'a'"),
    ],
)
def test_damaged_axes_and_findings_are_refused(more, told):
    whole = json.loads(Entry.of(lens()).dumps())
    with pytest.raises(BaselineError, match=f"is no baseline: .*{told}.*--interp-update=all"):
        Entry.loads(json.dumps({**whole, **more}), "some/file.json")


def test_a_tolerance_may_be_nothing():
    entry = Entry.loads(with_tolerance('{"atol": 0, "rtol": 0}'), "some/file.json")
    assert (entry.tolerances["a"].atol, entry.tolerances["a"].rtol) == (0, 0)
