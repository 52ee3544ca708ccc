"""A store that several processes use at once, within its limit."""

import os
import subprocess
import sys
from contextvars import Context

import pytest

from pytest_interp.errors import CacheError
from pytest_interp.store.files import LIMIT, Store, size_limit
from pytest_interp.store.mode import store_now, storing

WORK = """
import sys
from pathlib import Path
from pytest_interp.store.files import Store

store = Store(Path(sys.argv[1]), limit=4000)
for n in range(200):
    key = f"k{(n * int(sys.argv[2])) % 7}"
    found = store.read(key)
    assert found in (None, (key,) * 90), found
    assert store.write(key, (key,) * 90)
assert not any(name in sys.modules for name in ("torch", "numpy.testing"))
"""


@pytest.mark.guarantee(
    "files",
    "Processes that share the store neither damage nor mix up its entries.",
    sees="each result whole, or computed again",
)
def test_processes_write_and_drop_the_same_entries(tmp_path):
    # the limit has room for three of seven: each drops what the other writes and reads
    command = [sys.executable, "-c", WORK, str(tmp_path)]
    running = [subprocess.Popen([*command, str(step)], stderr=subprocess.PIPE) for step in (1, 3)]
    said = [one.communicate(timeout=60)[1].decode() for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    store = Store(tmp_path)
    left = store.entries()
    assert 0 < sum(stat.st_size for _, stat in left) <= 4000
    for file, _ in left:
        assert store.read(file.stem) == (file.stem,) * 90
    assert not list(tmp_path.glob(".new-*"))


def test_what_a_killed_process_left_goes(tmp_path):
    store, left, written = Store(tmp_path), tmp_path / ".new-abc", tmp_path / ".new-now"
    for file in (left, written):
        file.write_bytes(b"half")
    os.utime(left, (1, 1))
    store.write("key", 1)
    assert not left.exists()
    assert written.exists(), "another process is writing it"


@pytest.mark.guarantee(
    "files",
    "The user says how much disk space kept results may take.",
    sees="`pytest-interp cache` shows the limit; a text that is no amount is an error",
)
def test_the_limit_is_that_of_the_environment(tmp_path, monkeypatch, capsys):
    from pytest_interp.cli import main

    monkeypatch.delenv("PYTEST_INTERP_RESULTS_LIMIT", raising=False)
    assert size_limit() == LIMIT
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(tmp_path))
    monkeypatch.setenv("PYTEST_INTERP_RESULTS_LIMIT", "2KB")
    store = Store.here()
    for name in "abcd":
        store.write(name, name * 900)
    assert [file.stem for file, _ in store.entries()] in (["c", "d"], ["d", "c"])
    assert main(["cache"]) == 0
    assert "2 files of results, 1.87 KB of at most 2 KB" in capsys.readouterr().out
    monkeypatch.setenv("PYTEST_INTERP_RESULTS_LIMIT", "much")
    with pytest.raises(CacheError, match="PYTEST_INTERP_RESULTS_LIMIT: 'much' is no amount"):
        Store.here()
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", "off")
    assert main(["cache", "--clear"]) == 0
    assert "no results are kept or read: PYTEST_INTERP_RESULTS is off" in capsys.readouterr().out


@pytest.mark.guarantee(
    "green",
    "With ``--interp-cache=refresh`` nothing is read that was kept, and with ``off`` nothing is "
    "kept either: neither results nor figures, nor finished parts of a run that broke off.",
    sees="everything is computed",
)
@pytest.mark.parametrize(("mode", "reads"), [("on", 1), ("refresh", None), ("off", None)])
def test_the_mode_holds_for_all_that_is_kept(mode, reads, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(tmp_path))
    assert Store(tmp_path).write("model-call", 1)
    before = store_now()
    with storing(mode) as store:
        assert store == store_now()
        assert (store is None) == (mode == "off")
        if store is not None:
            assert store.read("model-call") == reads
            assert store.has_any("model") == (mode == "on")
            assert store.write("another", 2)
    assert store_now() == before, "the mode of one run is none of the next"
    assert Context().run(store_now) == Store.here(), "outside of a run"
