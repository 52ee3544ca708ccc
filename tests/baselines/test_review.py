"""What accepting and refusing a pending change does."""

import json
import shutil

import pytest
from baseline_project import LENS, SPECS, TRACE

from pytest_interp.baselines.entry import MAX_NOTES, Entry
from pytest_interp.baselines.pending import PendingFolder
from pytest_interp.baselines.review import Review, chosen
from pytest_interp.errors import BaselineError

HERE = "specs/test_a/test_lens--made"


@pytest.fixture
def moved(saved):
    """A project with one comparison that failed."""
    saved.now(crossover=6)
    saved.run().assert_outcomes(passed=1, failed=1)
    return saved


def review_of(project, **settings):
    folder = PendingFolder(project.path / ".pytest_interp/pending", project.path / "baselines")
    return Review(folder, project.path, **settings)


def entry_of(project, stem=LENS):
    return Entry.loads((project.path / f"{stem}.json").read_text(), stem)


@pytest.mark.guarantee(
    "kept",
    "A review writes what an update would write, and nothing else.",
    sees="The same bytes; the note of who accepted it stands in the entry's history.",
)
def test_what_is_accepted_is_what_an_update_writes(moved):
    (change,) = review_of(moved).changes()
    assert change.state == "changed"
    assert change.title == "specs/test_a.py::test_lens"
    assert any("crossover_layer: 8 -> 6" in line for line in change.lines)
    before = moved.saved()
    pending = {
        suffix: change.waiting.slot.file(suffix).read_bytes()
        for suffix in (".json", ".png", ".raster.png")
    }
    assert review_of(moved).accept(change) == [f"updated {LENS}.json"]
    after = moved.saved()
    assert {name: after[name] for name in after if not name.startswith(LENS)} == {
        name: before[name] for name in before if not name.startswith(LENS)
    }
    assert {suffix: after[f"{LENS}{suffix}"] for suffix in pending} == pending
    assert review_of(moved).changes() == []
    moved.run().assert_outcomes(passed=2)


def test_what_is_refused_leaves_the_baseline(moved):
    before = moved.saved()
    (change,) = review_of(moved).changes()
    review_of(moved).refuse(change)
    assert moved.saved() == before
    assert review_of(moved).changes() == []


def test_a_note_is_kept_in_the_history_and_outlives_updates(moved):
    (change,) = review_of(moved).changes()
    review_of(moved).accept(change, " the <b>new</b>\n tokenizer \x1b[31m ")
    (note,) = entry_of(moved).history
    assert note.note == "the <b>new</b> tokenizer \x1b[31m"
    assert note.git_sha is None
    moved.now(crossover=4)
    moved.run("--interp-update").assert_outcomes(passed=2)
    assert entry_of(moved).result["crossover_layer"] == 4
    assert entry_of(moved).history == (note,)
    moved.now(crossover=5)
    moved.run()
    (change,) = review_of(moved).changes()
    assert change.history == (note,)
    review_of(moved).accept(change, "again")
    assert [one.note for one in entry_of(moved).history] == [note.note, "again"]


def test_a_history_has_a_bound(moved):
    (change,) = review_of(moved).changes()
    with pytest.raises(BaselineError, match="has 1001 characters: at most 1000"):
        review_of(moved).accept(change, "x" * 1001)
    numbers = moved.path / f"{LENS}.json"
    data = json.loads(numbers.read_text())
    note = {"time": "2026-01-01T00:00:00+00:00", "note": "old", "git_sha": None}
    numbers.write_text(json.dumps(data | {"history": [note] * MAX_NOTES}))
    moved.run()
    (change,) = review_of(moved).changes()
    review_of(moved).accept(change, "new")
    notes = [one.note for one in entry_of(moved).history]
    assert notes == ["old"] * (MAX_NOTES - 1) + ["new"]


@pytest.mark.parametrize("history", [{}, [1], [{"note": "no time"}], [{"time": 1, "note": ""}]])
def test_a_history_that_is_none_is_named(saved, history):
    text = (saved.path / f"{LENS}.json").read_text()
    with pytest.raises(BaselineError, match="'history' is no list of notes"):
        Entry.loads(json.dumps(json.loads(text) | {"history": history}), "x")


STALE = pytest.mark.guarantee(
    "kept",
    "What waits for a review is not accepted where its spec or its baseline has changed since.",
    sees="It is called stale, with the command that runs the test again.",
)


@STALE
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("spec edited", "specs/test_a.py changed after the run that saw this. Run again:"),
        ("spec gone", "its spec specs/test_a.py is gone: refuse it"),
        ("baseline edited", f"{LENS}.json changed after the run that saw this. Run again:"),
        ("baseline gone", f"{LENS}.json changed after the run that saw this. Run again:"),
        ("figure lost", "its file test_lens--made.png is missing or another one. Run its test"),
        ("figure of another", "its figure is not that of its numbers. Run its test again"),
        ("not whole", "the file that says where it is from cannot be read by this version. Run"),
        ("hostile", "the file that says where it is from cannot be read by this version. Run"),
    ],
)
def test_what_is_stale_is_refused(moved, change, told):
    pending = moved.path / ".pytest_interp/pending" / HERE
    if change == "spec edited":
        moved.spec("test_a", SPECS + "    # another\n")
    elif change == "spec gone":
        (moved.path / "specs/test_a.py").unlink()
    elif change == "baseline edited":
        with (moved.path / f"{LENS}.json").open("a") as stream:
            stream.write("\n")
    elif change == "baseline gone":
        (moved.path / f"{LENS}.json").unlink()
    elif change == "figure lost":
        pending.with_suffix(".png").unlink()
    elif change == "figure of another":
        about = json.loads(pending.with_suffix(".pending").read_text())
        about["files"][".png"] = about["files"][".raster.png"]
        pending.with_suffix(".png").write_bytes(pending.with_suffix(".raster.png").read_bytes())
        pending.with_suffix(".pending").write_text(json.dumps(about))
    elif change == "not whole":
        about = pending.with_suffix(".pending")
        about.write_bytes(about.read_bytes()[:100])
    else:
        pending.with_suffix(".pending").write_text('["\\u0000"]')
    before = moved.saved()
    (found,) = review_of(moved).changes()
    assert found.state == "stale"
    assert told in found.why
    with pytest.raises(BaselineError, match="was not accepted"):
        review_of(moved).accept(found)
    assert moved.saved() == before
    review_of(moved).refuse(found)
    assert review_of(moved).changes() == []


@STALE
def test_what_another_run_replaced_is_not_what_was_shown(moved):
    (shown,) = review_of(moved).changes()
    moved.now(crossover=4)
    moved.run()
    for act in (review_of(moved).accept, review_of(moved).refuse):
        with pytest.raises(BaselineError, match="is not what was shown"):
            act(shown)
    (change,) = review_of(moved).changes()
    assert change.id == shown.id
    review_of(moved).accept(change)
    with pytest.raises(BaselineError, match="is not what was shown"):
        review_of(moved).accept(change)
    assert entry_of(moved).result["crossover_layer"] == 4


def test_what_waits_can_be_reviewed_in_another_checkout(moved, tmp_path):
    """As an artifact of a run elsewhere, of the same specs and baselines."""
    there = tmp_path / "there"
    for folder in ("specs", "baselines", ".pytest_interp"):
        shutil.copytree(moved.path / folder, there / folder)
    review = Review(PendingFolder(there / ".pytest_interp/pending", there / "baselines"), there)
    (change,) = review.changes()
    review.accept(change)
    assert json.loads((there / f"{LENS}.json").read_text())["result"]["crossover_layer"] == 6
    assert entry_of(moved).result["crossover_layer"] == 8


def test_a_new_entry_and_a_redrawn_figure_are_accepted(saved):
    (saved.path / f"{LENS}.json").unlink()
    (saved.path / f"{TRACE}.png").unlink()
    saved.run().assert_outcomes(failed=2)
    lens, trace = review_of(saved).changes()
    assert (lens.state, trace.state) == ("new", "changed")
    assert "is missing" in trace.lines[-1]
    for change in (lens, trace):
        review_of(saved).accept(change)
    saved.run().assert_outcomes(passed=2)


def test_a_folder_of_another_project_is_not_written(moved):
    (moved.path / "baselines/.interp-owner").write_text("others\n")
    before = moved.saved()
    (change,) = review_of(moved).changes()
    with pytest.raises(BaselineError, match="belongs to the project 'others'"):
        review_of(moved).accept(change)
    assert moved.saved() == before


def test_changes_are_chosen_by_the_beginning_of_an_id(saved):
    (saved.path / f"{TRACE}.json").unlink()
    saved.now(crossover=6)
    saved.run()
    changes = review_of(saved).changes()
    assert [len(change.id) for change in changes] == [10, 10]
    assert chosen(changes, [changes[1].id[:6], changes[1].id]) == [changes[1]]
    assert chosen(changes, ["all"]) == changes
    with pytest.raises(BaselineError, match="'x': nothing waits under this id"):
        chosen(changes, ["x"])
    with pytest.raises(BaselineError, match="'': several ids begin so"):
        chosen(changes, [""])


BACKENDS = """
    import json
    import pytest
    from made_results import lens
    from pathlib import Path

    now = json.loads((Path(__file__).parent.parent / "now.json").read_text())

    @pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
    def test_lens(baseline, backend):
        values = {**now.get("all", {}), **now.get(backend, {})}
        baseline._owner = type(baseline._owner)(
            baseline._owner.folder, "test_lens", "made", backend
        )
        baseline.check(lens(**values, backend=backend))
"""


@pytest.fixture
def both(saved):
    """A project with one test under two backends, whose baseline is saved."""
    saved.spec("test_a", BACKENDS)
    return saved


def test_another_backend_that_agrees_with_what_is_accepted_is_settled(both):
    both.now(all={"crossover": 6})
    both.run().assert_outcomes(failed=2)
    shared, other = review_of(both).changes()
    assert (shared.state, other.state) == ("changed", "other backend")
    assert other.into.name == "test_lens--made@nnsight.json"
    with pytest.raises(BaselineError, match="nnsight only compares"):
        review_of(both).accept(other)
    said = review_of(both).accept(shared)
    assert said[1:] == [f"nnsight agrees with it ({other.id})"]
    assert review_of(both).changes() == []
    both.run().assert_outcomes(passed=2)


@pytest.mark.guarantee(
    "kept",
    "A review writes an entry for one backend alone only where that was asked for.",
    sees="The shared entry is offered first; `--override` is needed for another backend's.",
)
def test_another_backend_that_must_differ(both):
    both.now(nnsight={"crossover": 6})
    both.run().assert_outcomes(passed=1, failed=1)
    before = both.saved()
    (other,) = review_of(both).changes()
    with pytest.raises(BaselineError, match=f"pytest-interp review --override {other.id}"):
        review_of(both).accept(other)
    assert both.saved() == before
    (other,) = review_of(both, overrides=True).changes()
    review_of(both, overrides=True).accept(other)
    assert both.saved().keys() - before.keys() == {
        f"{LENS}@nnsight{suffix}" for suffix in (".json", ".png", ".raster.png")
    }
    both.run().assert_outcomes(passed=2)


def test_another_backend_is_stale_after_the_shared_entry_moved_elsewhere(both):
    both.now(transformer_lens={"crossover": 6}, nnsight={"crossover": 4})
    both.run().assert_outcomes(failed=2)
    shared, _ = review_of(both, overrides=True).changes()
    review_of(both).accept(shared)
    (other,) = review_of(both, overrides=True).changes()
    assert other.state == "stale"
    assert "which it was compared with, changed after that" in other.why
