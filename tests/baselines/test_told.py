"""Results on labelled prompts as baselines: written, read, compared, moved."""

import json
from dataclasses import replace

import numpy as np
import pytest
from told_results import KINDS, told_results

from pytest_interp.adapters import backend_names
from pytest_interp.baselines import diff_baselines
from pytest_interp.baselines.compare import changed, compare
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import write_together
from pytest_interp.baselines.wording import describe
from pytest_interp.results import Direction


def moved(result, name, index, by):
    """The result with one number of one of its arrays moved."""
    values = np.array(getattr(result, name))
    values[index] += by
    return replace(result, **{name: values})


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_again(kind, backend):
    entry = Entry.of(told_results(backend)[kind])
    read = Entry.loads(entry.dumps(), kind)
    assert read == entry
    assert read.result["kind"] == kind
    assert compare(read, entry) == []
    assert json.loads(entry.dumps())["provenance"]["backend"] == backend


@pytest.mark.parametrize("kind", KINDS)
def test_the_backends_agree(kind):
    one, other = (Entry.of(told_results(backend)[kind]) for backend in backend_names())
    assert not changed(compare(one, other)), describe(compare(one, other), one, other)


MOVES = {
    "probe": ("selected", 0, 0.4, 1e3, "selected at prompt 'ID'"),
    "steer": ("log_odds", (0, slice(None)), 5e-4, 0.5, "log_odds: 2 of 6 values changed"),
    "ablate_direction": ("after", 1, 5e-4, 0.5, "after at prompt 'ID'"),
    "trajectories": ("margin", (0, 1), 5e-4, 0.5, "margin at prompt 'ID', layer 1"),
}
"""What moves, by how much within and beyond its tolerance, and how the change is named."""


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("kind", KINDS)
def test_a_move_beyond_tolerance_is_told_and_one_within_is_not(kind, backend, tmp_path):
    name, index, within, beyond, said = MOVES[kind]
    result = told_results(backend)[kind]
    said = said.replace("ID", result.ids[index if isinstance(index, int) else 0])
    old = Entry.of(result)
    assert not changed(compare(old, Entry.of(moved(result, name, index, within))))
    for folder, of in (("old", result), ("new", moved(result, name, index, beyond))):
        file = tmp_path / folder / "specs/test_told/test_it--m.json"
        write_together({file: Entry.of(of).dumps().encode()})
    report = diff_baselines(tmp_path / "old", tmp_path / "new")
    assert report.changed
    assert "changed: specs/test_told: test_it (m)" in str(report)
    assert said in str(report)


def test_a_lower_curve_is_told_by_its_layer():
    result = told_results("nnsight")["probe"]
    old = Entry.of(result)
    worse = np.array(result.scores)
    worse[2] = -worse[2]
    new = Entry.of(replace(result, scores=worse))
    assert any("auroc at layer 2" in line for line in describe(compare(old, new), old, new))


def test_other_labels_prompts_and_tokens_are_changes():
    for kind, field in (("probe", "labels"), ("trajectories", "tokens"), ("steer", "direction")):
        result = told_results("nnsight")[kind]
        value = getattr(result, field)
        other = "another" if isinstance(value, str) else ("another", *value[1:])
        if kind == "probe":
            other = (result.classes[result.labels[0] == result.classes[0]], *value[1:])
        found = compare(Entry.of(result), Entry.of(replace(result, **{field: other})))
        assert changed(found)
        assert field in {change.field for change in found}


def test_the_settled_layer_between_near_equals_flips_within_the_noise():
    result = told_results("nnsight")["trajectories"]
    layer = int(result.settled[0])
    shift = -result.margin[0, layer - 1]
    old = Entry.of(moved(result, "margin", (0, layer - 1), shift - 2e-4))
    new = Entry.of(moved(result, "margin", (0, layer - 1), shift + 2e-4))
    assert old.result["settled"][0] != new.result["settled"][0]
    assert not changed(compare(old, new))


def test_a_direction_is_compared_by_its_numbers_and_not_by_a_rounded_length():
    given = Direction(np.array([3.0, 4.0]), 1)
    assert str(given) == str(replace(given, vector=given.vector * (1 + 1e-6)))
    steered = told_results("nnsight")["steer"]
    old, new = Entry.of(steered), Entry.of(replace(steered, length=1.5 * steered.length))
    assert [change.field for change in compare(old, new)] == ["length"]
