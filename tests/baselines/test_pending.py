"""What a failing comparison leaves for a review, and when it leaves nothing."""

import json
import threading
from types import SimpleNamespace

import pytest
from baseline_project import LENS, SPECS, TRACE, text
from made_results import lens

from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.pending import Origin, PendingFolder
from pytest_interp.baselines.policy import Update
from pytest_interp.baselines.saving import Save
from pytest_interp.baselines.snapshot import Comparison
from pytest_interp.baselines.store import Slot

PENDING = ".pytest_interp/pending"
SUFFIXES = (".json", ".pending", ".png", ".raster.png")


def waiting(project, folder=PENDING):
    """The files that wait, below the folder of all."""
    root = project.path / folder
    found = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
    return {str(path) for path in found} - {".gitignore"}


def files(stem):
    return {f"{stem.removeprefix('baselines/')}{suffix}" for suffix in SUFFIXES}


@pytest.fixture
def moved(saved):
    """A project with one comparison that failed."""
    saved.now(crossover=6)
    saved.run().assert_outcomes(passed=1, failed=1)
    return saved


@pytest.mark.guarantee(
    "kept",
    "A comparison that fails writes nothing among the baselines: what it saw waits for a review in "
    "a folder of its own.",
    sees="`.pytest_interp/pending/`, with the files that an update would write and a `.gitignore`.",
)
def test_a_failing_comparison_leaves_all_that_an_update_would_write(saved):
    before = saved.saved()
    saved.now(crossover=6)
    result = saved.run()
    result.assert_outcomes(passed=1, failed=1)
    assert saved.saved() == before
    assert waiting(saved) == files(LENS)
    assert (saved.path / PENDING / ".gitignore").read_text().splitlines()[-1] == "*"
    left = {
        suffix: (saved.path / LENS.replace("baselines", PENDING)).with_suffix(suffix).read_bytes()
        for suffix in (".json", ".png", ".raster.png")
    }
    saved.run("--interp-update").assert_outcomes(passed=2)
    assert left == {suffix: saved.saved()[f"{LENS}{suffix}"] for suffix in left}


def test_the_message_names_the_review_beside_the_update(moved):
    about = json.loads((moved.path / PENDING / "specs/test_a/test_lens--made.pending").read_text())
    said = text(moved.run("--interp-report-json", "report.json"))
    (command,) = {line.strip("E ") for line in said.splitlines() if "pytest-interp review" in line}
    report = json.loads((moved.path / "report.json").read_text())
    ids = [r["baseline"]["pending"] for test in report["tests"] for r in test["results"]]
    assert ids[1:] == [None, None]
    assert command == f"pytest-interp review {ids[0]}"
    assert said.index("--interp-update") < said.index(command)
    assert about["origin"]["test"] == "specs/test_a.py::test_lens"
    assert about["origin"]["command"] == "pytest specs/test_a.py::test_lens"


@pytest.mark.guarantee(
    "kept",
    "Nothing waits for a review that agrees with its baseline.",
    sees="A comparison that passes leaves nothing, and removes what waited.",
)
@pytest.mark.parametrize("how", ["it agrees again", "updated", "saved anew"])
def test_a_comparison_that_passes_removes_what_waited(moved, how):
    if how == "it agrees again":
        moved.now()
    options = {"updated": ["--interp-update"], "saved anew": ["--interp-update=all"]}
    moved.run(*options.get(how, [])).assert_outcomes(passed=2)
    assert waiting(moved) == set()


def test_without_a_baseline_the_new_one_waits(project):
    project.run().assert_outcomes(failed=2)
    # the test stops at its first comparison that fails
    assert waiting(project) == files(LENS) | files(TRACE)
    assert project.saved() == {}


def test_a_redrawn_figure_waits(saved):
    (saved.path / f"{LENS}.png").unlink()
    saved.run().assert_outcomes(passed=1, failed=1)
    assert waiting(saved) == files(LENS)
    about = json.loads((saved.path / PENDING / "specs/test_a/test_lens--made.pending").read_text())
    assert "test_lens--made.png is missing" in about["figure_problem"]


@pytest.mark.parametrize("option", ["--interp-update=missing", "--interp-update-override"])
def test_a_run_that_writes_leaves_nothing_else(saved, option):
    saved.now(crossover=6)
    result = saved.run(option)
    result.assert_outcomes(passed=1, failed=1)
    assert waiting(saved) == set()
    assert "pytest-interp review" not in text(result)


@pytest.mark.parametrize("option", ["--interp-update", "--interp-update=missing"])
def test_an_update_that_is_abandoned_leaves_what_waits(moved, option):
    moved.spec("test_a", SPECS.replace("(**now))", "(**now)); assert 0"))
    moved.run(option).assert_outcomes(passed=1, failed=1)
    assert waiting(moved) == files(LENS)


ALSO_FAILING = """
    import pytest
    from made_results import lens

    @pytest.fixture
    def untidy():
        yield
        assert 0, "untidy"

    def test_teardown(untidy, baseline):
        baseline.check(lens())

    def test_subtests(baseline, subtests):
        with subtests.test("one"):
            assert 0
        with subtests.test("two"):
            baseline.check(lens())

    def test_caught(baseline):
        with pytest.raises(pytest.fail.Exception):
            baseline.check(lens())
        assert 0

    @pytest.mark.xfail(strict=False)
    def test_xfail(baseline):
        baseline.check(lens())

    def test_only_comparisons(baseline, subtests):
        for name in ("one", "two"):
            with subtests.test(name):
                baseline.check(lens(), name=name)
"""


@pytest.mark.guarantee(
    "kept",
    "Nothing waits for a review of a test that fails for another reason than its comparisons.",
    sees="An update would not write its results, and neither does a review.",
)
def test_a_test_that_fails_otherwise_leaves_nothing(project):
    project.spec("test_a", ALSO_FAILING)
    project.run()
    stem = "specs/test_a/test_only_comparisons--made--"
    assert waiting(project) == files(f"{stem}one") | files(f"{stem}two")


def test_what_waits_is_replaced_by_the_next_run(moved):
    path = moved.path / PENDING / "specs/test_a/test_lens--made.json"
    assert json.loads(path.read_text())["result"]["crossover_layer"] == 6
    moved.now(crossover=4)
    moved.run()
    assert json.loads(path.read_text())["result"]["crossover_layer"] == 4
    assert waiting(moved) == files(LENS)


def test_pruning_leaves_what_waits_alone(moved):
    pending = waiting(moved)
    moved.spec("test_a", "def test_other(): pass")
    moved.run("--interp-prune=all").assert_outcomes(passed=1)
    assert moved.saved() == {}
    assert waiting(moved) == pending


def test_the_folder_is_named_in_the_ini_file(saved):
    ini = saved.path / "tox.ini"
    ini.write_text(ini.read_text() + "\ninterp_pending_dir = elsewhere\n")
    saved.now(crossover=6)
    saved.run().assert_outcomes(passed=1, failed=1)
    assert waiting(saved, "elsewhere") == files(LENS)


@pytest.mark.parametrize("folder", [".", "baselines", "baselines/pending"])
def test_a_folder_of_baselines_is_no_place_to_wait(saved, folder):
    result = saved.run("-o", f"interp_pending_dir={folder}")
    result.assert_outcomes(errors=2)
    assert "lies apart from the baselines" in text(result)


def test_a_place_that_cannot_be_written_fails_nothing_more(saved):
    (saved.path / ".pytest_interp").write_text("a file")
    saved.now(crossover=6)
    result = saved.run()
    result.assert_outcomes(passed=1, failed=1)
    assert "what waits for a review is not right: cannot write" in text(result)
    assert "interp_pending_dir" in text(result)


def test_workers_leave_each_what_they_saw(saved):
    pytest.importorskip("xdist")
    saved.now(crossover=6)
    (saved.path / f"{TRACE}.json").unlink()
    saved.worker_run("-n2").assert_outcomes(failed=2)
    assert waiting(saved) == files(LENS) | files(TRACE)


@pytest.mark.guarantee(
    "kept",
    "What waits for a review is one whole entry, whoever else writes or is killed.",
    sees="The numbers, the figure and its raster of one run; a half of one is stale.",
)
def test_two_writers_and_a_reader_see_whole_entries(tmp_path):
    folder = PendingFolder(tmp_path / "pending", tmp_path / "baselines")
    into = Slot(tmp_path / "baselines" / "specs", "test_x--made")
    origin = Origin("specs.py::test_x", "specs.py", "0", "pytest specs.py::test_x")

    def keep(layer):
        drawing = SimpleNamespace(picture=b"%d" % layer, raster=b"r%d" % layer, drawn_with={})
        new = Entry.of(lens(crossover=layer))
        found = Comparison(into, new, None, Update.MISSING, [])
        save = Save.of(found, into, new, drawing)
        about = folder.about(found, save, origin, None, shared=True, figure_problem="")
        for _ in range(20):
            folder.keep(save, about)

    writers = [threading.Thread(target=keep, args=[layer]) for layer in (3, 6)]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers) or not seen:
        seen += folder.entries()
    assert {waiting.problem for waiting in seen} == {""}
    (last,) = folder.entries()
    layer = last.entry.result["crossover_layer"]
    assert last.slot.picture.read_bytes() == b"%d" % layer
    folder.drop(into)
    assert folder.entries() == []
    assert [path.name for path in folder.root.iterdir()] == [".gitignore"]
