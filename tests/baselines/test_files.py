"""Files that are written whole, or not at all."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_interp.baselines.files import read_if_there, sweep, write_together
from pytest_interp.errors import BaselineError


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write_together({path: b"old"})
    monkeypatch.setattr(os, "replace", _fail)
    with pytest.raises(BaselineError, match=r"cannot write .*x\.json \(no space"):
        write_together({path: b"new"})
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def _fail(*_):
    raise OSError("no space")


def test_a_written_file_can_be_read_by_others(tmp_path):
    old = os.umask(0o022)
    try:
        write_together({tmp_path / "x": b""})
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_two_writers_never_tear_a_file(tmp_path):
    path = tmp_path / "x"
    texts = [bytes([letter]) * 200_000 for letter in b"ab"]
    write_together({path: texts[0]})
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_often, args=(path, text)) for text in texts]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_bytes())
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert seen <= set(texts)
    assert list(tmp_path.iterdir()) == [path]


def _write_often(path: Path, text: bytes):
    for _ in range(200):
        write_together({path: text})


@pytest.mark.guarantee(
    "kept",
    "A link in place of a baseline stays a link, and an update writes the file that it leads to.",
    sees="The same link as before.",
)
def test_a_link_stays_a_link(tmp_path):
    there, link = tmp_path / "there" / "x.json", tmp_path / "x.json"
    link.symlink_to(there)
    assert read_if_there(link) is None
    for text in (b"old", b"new"):
        write_together({link: text})
        assert link.is_symlink()
        assert there.read_bytes() == text
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["there", "x.json", "x.json"]


@pytest.mark.guarantee(
    "kept",
    "A baseline that is read-only is not overwritten.",
    sees="An error that names the file and says that it is read-only, for root too.",
)
def test_a_read_only_file_is_refused_before_anything_is_replaced(tmp_path):
    first, second = tmp_path / "a.png", tmp_path / "a.json"
    write_together({first: b"old", second: b"old"})
    second.chmod(0o444)
    with pytest.raises(
        BaselineError, match=r"cannot write .*a\.json \(the file is read-only\). What was there is"
    ):
        write_together({first: b"new", second: b"new"})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "a.png": b"old",
        "a.json": b"old",
    }


def test_permissions_stay(tmp_path):
    path = tmp_path / "x"
    write_together({path: b"old"})
    path.chmod(0o660)
    write_together({path: b"new"})
    assert path.stat().st_mode & 0o777 == 0o660


@pytest.mark.guarantee(
    "kept",
    "What an update wrote is on the disk before the run says so.",
    sees="Nothing: file and folder are forced to the disk around the rename.",
)
def test_files_are_forced_to_the_disk_before_they_get_their_names(tmp_path, monkeypatch):
    steps = []

    def note(name, call):
        def noted(*arguments):
            handle = arguments[0] if isinstance(arguments[0], int) else None
            steps.append((name, handle and Path(os.readlink(f"/proc/self/fd/{handle}")).suffix))
            return call(*arguments)

        monkeypatch.setattr(os, name, noted)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("names of open files are read from /proc")
    note("fsync", os.fsync)
    note("replace", os.replace)
    write_together({tmp_path / "a.png": b"a", tmp_path / "a.json": b"b"})
    file, folder, rename = ("fsync", ".tmp"), ("fsync", ""), ("replace", None)
    assert steps == [file, file, rename, folder, rename, folder]


def test_leftovers_of_killed_writers_are_swept_and_nothing_else(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from pytest_interp.baselines.files import write_together\n"
        "os.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "write_together({Path(sys.argv[1]): b'new'})"
    )
    path = tmp_path / "x.json"
    done = subprocess.run([sys.executable, "-c", code, path])
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".tmp"
    (tmp_path / f".{'0123456789abcdef' * 2}.tmp").write_bytes(b"of an earlier version")
    ours = {".x.tmp", "x.tmp", ".interp-x.tmp"}
    for name in ours:
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == ours
    sweep(tmp_path / "absent")


@pytest.mark.guarantee(
    "kept",
    "A disk that is full during an update leaves every entry as it was.",
    sees="An error that names the file, and no temporary file.",
)
def test_a_full_disk_leaves_all_files_as_they_were(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from pytest_interp.baselines.files import write_together\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "write_together({Path(name): b'x' * 4000 * n for n, name in enumerate(sys.argv)})"
    )
    files = [tmp_path / "a.json", tmp_path / "a.png"]
    for file in files:
        file.write_text("old")
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True)
    assert f"cannot write {files[1]} ([Errno 27] File too large). What was there is unchanged" in (
        done.stderr
    )
    assert {p: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys(files, "old")
