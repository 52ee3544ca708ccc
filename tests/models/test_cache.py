"""The cache under adversity: no room, no right to write, a kill, and foreign files."""

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_interp import models  # torch is imported by what needs it: the processes are light
from pytest_interp.errors import CacheError, DamagedWeightsError
from pytest_interp.models import GgufSource, PackageFile, converted, register_model

KEY = "a" * 64


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def build(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(bytes(100_000))


@pytest.fixture
def tiny_gguf(tmp_path, monkeypatch):
    """A model in one GGUF file of a package, registered as "tiny-gguf"; returns the file."""
    from tests.models.test_gguf import write_tiny

    file = tmp_path / "site" / "tiny.gguf"
    file.parent.mkdir()
    write_tiny(file)
    monkeypatch.setattr(PackageFile, "locate", lambda self: file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    register_model("tiny-gguf", GgufSource((PackageFile("tiny==1.0", "tiny.gguf"),), sha256))
    return file


@pytest.mark.guarantee(
    "messages",
    "A cache folder that cannot be used is an error that says so.",
    sees="`CacheError` with the folder, the cause, and `PYTEST_INTERP_CACHE`.",
)
@pytest.mark.parametrize("place", ["file", "file/below", "/proc/self/nothing"])
def test_a_cache_that_cannot_be_written_is_named(tiny_gguf, tmp_path, monkeypatch, place):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / place))
    with pytest.raises(CacheError, match="set PYTEST_INTERP_CACHE to a folder") as raised:
        models.load_weights("tiny-gguf", "cpu")
    assert str(tmp_path / place / "models") in str(raised.value)


def test_a_cache_that_is_read_only_serves_what_is_in_it(tiny_gguf, cache):
    models.load_weights("tiny-gguf", "cpu")
    for folder in (cache, cache / "models"):
        folder.chmod(0o555)
    if os.access(cache, os.W_OK):
        pytest.skip("this user may write everything")
    try:
        models.load_weights("tiny-gguf", "cpu")
        with pytest.raises(CacheError, match="Permission denied"):
            converted.entry(KEY, build)
    finally:
        for folder in (cache, cache / "models"):
            folder.chmod(0o755)


def test_the_home_folder_is_written_as_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTEST_INTERP_CACHE", "~/x")
    assert converted.cache_root() == tmp_path / "x"
    monkeypatch.setenv("PYTEST_INTERP_CACHE", "~no-such-user/x")
    with pytest.raises(CacheError, match=r"~no-such-user/x, cannot be used"):
        converted.cache_root()


FULL = """
import resource, sys
from tests.models import test_cache
from pytest_interp.models import converted
from pathlib import Path

def build(folder):
    if sys.argv[1] == "gguf":
        from pytest_interp.models import gguf

        file = Path(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
        gguf.convert([file], sys.argv[4], folder, "pip install it")
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
        test_cache.build(folder)

try:
    converted.entry(test_cache.KEY, build)
except converted.CacheError as error:
    print(error)
"""
ROOT = Path(__file__).parents[2]


@pytest.mark.guarantee(
    "kept",
    "A conversion that a full disk stops leaves nothing behind.",
    sees="`CacheError` with the folder, the cause, and `PYTEST_INTERP_CACHE`.",
)
@pytest.mark.parametrize("room", ["plain", "0", "2000"])
def test_a_full_disk_is_named_and_nothing_is_left(tiny_gguf, cache, room):
    how = "plain" if room == "plain" else "gguf"
    sha256 = hashlib.sha256(tiny_gguf.read_bytes()).hexdigest()
    run = subprocess.run(
        [sys.executable, "-c", FULL, how, str(tiny_gguf), room, sha256],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{cache / 'models'}, cannot be used" in run.stdout, run.stderr
    assert "PYTEST_INTERP_CACHE" in run.stdout
    assert [file.name for file in (cache / "models").iterdir() if file.is_dir()] == []
    assert converted.is_whole(converted.entry(KEY, build), KEY)


def half(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"half")
    (folder.parents[2] / "writing").touch()
    time.sleep(60)


def write_half() -> None:
    # a shell lets what it runs in the background ignore Ctrl-C, and its children after it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    converted.entry(KEY, half)


def started(cache: Path) -> multiprocessing.Process:
    """A process in the middle of a conversion."""
    process = multiprocessing.get_context("spawn").Process(target=write_half)
    process.start()
    deadline = time.monotonic() + 60
    while not [*cache.rglob("model.safetensors")] and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


@pytest.mark.guarantee(
    "kept",
    "A conversion that is killed or interrupted is made anew at the next load.",
    sees="The converted model; what the dead process left is swept away.",
)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_kill_while_weights_are_written_leaves_nothing_that_counts(cache, how):
    process = started(cache)
    os.kill(process.pid, how)
    process.join(30)
    assert process.exitcode
    left = [file for file in (cache / "models").iterdir() if file.is_dir()]
    assert len(left) == (how != signal.SIGINT)  # an interrupt is time enough to tidy up
    folder = converted.entry(KEY, build)
    assert converted.is_whole(folder, KEY)
    assert [file for file in (cache / "models").iterdir() if file.is_dir()] == [folder]


@pytest.mark.guarantee(
    "files",
    "What stands in the cache in the place of a converted model, and is none, is replaced.",
    sees="The converted model.",
)
@pytest.mark.parametrize("foreign", ["folder", "file", "link", "dangling link", "pipe"])
def test_a_foreign_thing_in_the_place_of_an_entry_is_replaced(cache, tmp_path, foreign):
    folder = converted.entry_folder(KEY)
    folder.parent.mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep me", encoding="utf-8")
    if foreign == "folder":
        folder.mkdir()
        (folder / "config.json").write_text("{}", encoding="utf-8")
    elif foreign == "file":
        folder.write_text("x", encoding="utf-8")
    elif foreign == "pipe":
        folder.mkdir()
        os.mkfifo(folder / converted.MANIFEST)
    else:
        folder.symlink_to(tmp_path / ("mine" if foreign == "link" else "nothing"))
    assert converted.is_whole(converted.entry(KEY, build), KEY)
    assert not folder.is_symlink()
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "keep me"


@pytest.mark.guarantee(
    "files",
    "A package's weights that are cut short or changed are refused before they are read.",
    sees="`DamagedWeightsError` with both hashes and the pip command; nothing is kept.",
)
@pytest.mark.parametrize(
    "change", [lambda b: b[:-1], lambda b: b[:9], lambda b: b"", bytes.swapcase]
)
def test_a_package_file_that_is_not_the_pinned_one_is_refused(tiny_gguf, cache, change):
    tiny_gguf.write_bytes(change(tiny_gguf.read_bytes()))
    with pytest.raises(DamagedWeightsError, match=r"--force-reinstall tiny==1\.0"):
        models.load_weights("tiny-gguf", "cpu")
    assert [file for file in (cache / "models").iterdir() if file.is_dir()] == []


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


GGUF = b"GGUF" + number(3, 4)
HUGE = number(2**64 - 1, 8)
WRONG = {
    "empty": b"",
    "text": b"hello world" * 100,
    "only the magic": b"GGUF",
    "version 99": b"GGUF" + number(99, 4) + bytes(100),
    "huge count of tensors": GGUF + HUGE + number(0, 8),
    "huge count of keys": GGUF + number(0, 8) + HUGE,
    "both huge": GGUF + HUGE + HUGE,
    "a key of huge length": GGUF + number(0, 8) + number(1, 8) + HUGE,
    "a value of an unknown type": GGUF + bytes(8) + number(1, 8) + number(1, 8) + b"k" + HUGE,
    "an array of huge length": GGUF
    + bytes(8)
    + number(1, 8)
    + number(1, 8)
    + b"k"
    + number(9, 4)
    + number(4, 4)
    + HUGE,
    "no keys": GGUF + bytes(16),
}


@pytest.mark.guarantee(
    "files",
    "A GGUF file may say anything in its header: the error is one of this package.",
    sees="`DamagedWeightsError` with the file, what stopped it, and the pip command.",
)
@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_gguf_file_of_the_wrong_form_is_named(tmp_path, content):
    from pytest_interp.models import gguf

    file = tmp_path / "wrong.gguf"
    file.write_bytes(content)
    (tmp_path / "out").mkdir()
    sha256 = hashlib.sha256(content).hexdigest()
    with pytest.raises(DamagedWeightsError, match=r"cannot be read .*Run: pip it$") as raised:
        gguf.convert([file], sha256, tmp_path / "out", "pip it")
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("kept", [0.01, 0.1, 0.3, 0.6, 0.99])
def test_a_gguf_file_that_was_pinned_when_it_was_cut_is_named(tmp_path, tiny_gguf, kept):
    from pytest_interp.models import gguf

    content = tiny_gguf.read_bytes()
    (tmp_path / "out").mkdir()
    tiny_gguf.write_bytes(content[: int(kept * len(content))])
    sha256 = hashlib.sha256(tiny_gguf.read_bytes()).hexdigest()
    with pytest.raises(DamagedWeightsError, match="cannot be read"):
        gguf.convert([tiny_gguf], sha256, tmp_path / "out", "pip it")
