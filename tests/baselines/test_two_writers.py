"""Two runs that write baselines in one folder at the same time."""

import signal
import subprocess
import sys

import pytest
from baseline_project import text

from pytest_interp.baselines.locks import one_writer
from pytest_interp.errors import BaselineError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


HOLDER = """
import sys, time
from pathlib import Path
from pytest_interp.baselines.locks import one_writer

with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.guarantee(
    "kept",
    "One run at a time writes in a folder of baselines, and a run that was killed holds nothing.",
    sees="The second run waits for the first; after a minute an error says that another run is "
    "writing there.",
)
def test_one_writer_at_a_time_and_none_after_a_kill(cache, tmp_path):
    folder = tmp_path / "baselines" / "test_x"
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", HOLDER, folder]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(BaselineError, match=r"another run is writing baselines in .*test_x"),
            one_writer(folder, patience=0.1),
        ):
            pass
        with one_writer(folder.parent, patience=0.1):
            pass  # another folder is free
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with one_writer(folder, patience=30):
        pass
    # nothing is left beside the baselines
    assert list(folder.parent.rglob("*")) == [folder]
    assert {p.suffix for p in (cache / "locks").iterdir()} == {".lock"}


def test_a_cache_that_cannot_be_written_does_not_hinder_an_update(cache, tmp_path, monkeypatch):
    cache.write_text("a file")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with one_writer(tmp_path):
        assert len(list((tmp_path / "tmp").rglob("*.lock"))) == 1
    monkeypatch.setenv("PYTEST_INTERP_CACHE", "~no-such-user/cache")
    with one_writer(tmp_path):
        assert len(list((tmp_path / "tmp").rglob("*.lock"))) == 1
    monkeypatch.setattr("tempfile.tempdir", str(cache))
    with pytest.raises(BaselineError, match="set PYTEST_INTERP_CACHE"), one_writer(tmp_path):
        pass


MEANWHILE = """
    from pathlib import Path
    from made_results import lens
    from pytest_interp.baselines.entry import Entry

    def test_x(baseline):
        baseline.check(lens())
        # another run writes between the comparison and the end of this test
        there = Path(__file__).parent.parent / "baselines/specs/test_a/test_x--made.json"
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(Entry.of(lens(crossover={crossover}, time="later")).dumps())
"""


@pytest.mark.guarantee(
    "kept",
    "An update never replaces numbers that another run wrote after this one had compared.",
    sees="An error that shows where the two disagree. What the other run wrote is kept.",
)
@pytest.mark.parametrize("is_there", [False, True])
def test_what_another_run_wrote_meanwhile_is_kept(project, is_there):
    there = project.path / "baselines/specs/test_a/test_x--made.json"
    if is_there:
        project.spec("test_a", MEANWHILE.format(crossover=4))
        project.run("--interp-update").assert_outcomes(passed=1, errors=1)
    project.spec("test_a", MEANWHILE.format(crossover=6))
    result = project.run("--interp-update")
    result.assert_outcomes(passed=1, errors=1)
    assert "another run wrote baselines/specs/test_a/test_x--made.json after" in text(result)
    assert "crossover_layer: 6 -> 8, by +2" in text(result)
    assert '"crossover_layer": 6' in there.read_text()
    assert [p.name for p in there.parent.iterdir()] == [there.name]


def test_two_runs_that_agree_are_both_green(project):
    project.spec("test_a", MEANWHILE.format(crossover=8))
    result = project.run("--interp-update")
    result.assert_outcomes(passed=1)
    assert "was written by another run meanwhile, and this result agrees" in text(result)
    assert "added" not in text(result)
