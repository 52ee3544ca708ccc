"""An entry is one thing: one that was half written is told from one that changed."""

import os
from pathlib import Path

import pytest
from baseline_project import FILES, LENS, text


def interrupted_update(project, after, monkeypatch):
    """An update that ends when this many files got their names."""
    replace, named = os.replace, []

    def dying(source, target):
        if "baselines" not in Path(target).parts:  # pytest's own files, as of rewritten modules
            return replace(source, target)
        if len(named) == after:
            raise KeyboardInterrupt
        named.append(target)
        return replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            project.run("--interp-update")


@pytest.mark.guarantee(
    "kept",
    "An entry that an interrupted or killed update left half written is told from one that "
    "changed.",
    sees="`this entry was half written`, which of its files are not its own, and the command that "
    "mends it; any update does.",
)
@pytest.mark.parametrize("earlier", [False, True], ids=["", "kept by an earlier version"])
@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_update_is_told_and_mended(saved, monkeypatch, after, earlier):
    if earlier:
        saved.without_figure_record(LENS)
    before = saved.saved()
    saved.now(crossover=6)
    interrupted_update(saved, after, monkeypatch)
    now = saved.saved()
    assert len({name for name in FILES if now[name] != before[name]}) == after
    # under the code that made the numbers that are there now
    is_old = now[f"{LENS}.json"] == before[f"{LENS}.json"]
    assert is_old != earlier
    saved.now(**({} if is_old else {"crossover": 6}))
    result = saved.run()
    result.assert_outcomes(passed=1, failed=1)
    assert "this entry was half written: of its figure test_lens--made" in text(result)
    assert "looks different" not in text(result)
    assert "pytest specs/test_a.py::test_lens --interp-update=missing" in text(result)
    saved.now(crossover=6)
    saved.run("--interp-update").assert_outcomes(passed=2)
    assert set(saved.saved()) == FILES
    saved.run().assert_outcomes(passed=2)


@pytest.mark.parametrize("option", ["--interp-update=missing", "--interp-update"])
def test_any_update_mends_a_half_written_entry(saved, option):
    before = saved.saved()
    raster = saved.path / f"{LENS}.raster.png"
    raster.write_bytes(raster.read_bytes()[:300])
    result = saved.run()
    result.assert_outcomes(passed=1, failed=1)
    assert "half written: of its figure test_lens--made.raster.png is another one" in text(result)
    result = saved.run(option)
    result.assert_outcomes(passed=2)
    assert f"redrawn {LENS}.json: this entry was half written" in text(result)
    assert saved.saved() == before


def test_a_reader_waits_for_the_writer_that_is_at_work(saved, monkeypatch):
    """What looks half written without the lock is whole with it."""
    raster = saved.path / f"{LENS}.raster.png"
    whole = raster.read_bytes()
    raster.write_bytes(b"")

    class Writer:
        def __init__(self, folder):
            assert folder == raster.parent

        def __enter__(self):
            raster.write_bytes(whole)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("pytest_interp.baselines.images.one_writer", Writer)
    saved.run().assert_outcomes(passed=2)
