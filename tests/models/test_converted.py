"""The cache: what is in it is whole, and what is not is made anew."""

import json
import multiprocessing
import os
import random
import time
from pathlib import Path

import numpy as np
import pytest

from pytest_interp.models import converted

KEY, OTHER = "a" * 64, "b" * 64
MIB, PAGE = 1 << 20, 4096
BIG = 3 * MIB
MADE = random.Random(0).randbytes(BIG) + b"tail"  # no two pages are alike


def build(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(MADE)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder.parent.parent / f"built-{time.time_ns()}-{os.getpid()}").touch()


def builds(root: Path) -> int:
    return len([*(root / "models").glob("built-*")])


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path))
    return tmp_path


def test_an_entry_is_built_once(cache):
    folder = converted.entry(KEY, build)
    assert folder == converted.entry(KEY, build) == converted.entry_folder(KEY)
    assert builds(cache) == 1
    assert converted.entry(OTHER, build) != folder
    assert builds(cache) == 2


def flip(file: Path, at: int) -> None:
    stat = file.stat()
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # a disk that errs tells nobody


def swap(file: Path, first: int, second: int, size: int) -> None:
    """Exchange the bytes that begin at two places."""
    data = bytearray(file.read_bytes())
    a, b = slice(first, first + size), slice(second, second + size)
    data[a], data[b] = data[b], data[a]
    file.write_bytes(data)


def reverse_words(file: Path) -> None:
    words = np.frombuffer(MADE[:MIB], dtype="<u8")
    file.write_bytes(words[::-1].tobytes() + MADE[MIB:])


def reverse_pages(file: Path) -> None:
    whole = np.frombuffer(MADE[:BIG], dtype=np.uint8).reshape(-1, MIB // PAGE, PAGE)
    file.write_bytes(whole[:, ::-1].tobytes() + MADE[BIG:])


DAMAGE = {
    "truncated": lambda f: (f / "model.safetensors").write_bytes(MADE[:-9]),
    "flipped at the start": lambda f: flip(f / "model.safetensors", 0),
    "flipped in a block": lambda f: flip(f / "model.safetensors", BIG // 2),
    "flipped in the tail": lambda f: flip(f / "model.safetensors", BIG + 2),
    "zeroed": lambda f: (f / "model.safetensors").write_bytes(bytes(len(MADE))),
    "two pages swapped": lambda f: swap(f / "model.safetensors", PAGE, 9 * PAGE, PAGE),
    "two MiB swapped": lambda f: swap(f / "model.safetensors", 0, MIB, MIB),
    "words reversed": lambda f: reverse_words(f / "model.safetensors"),
    "pages reversed in every MiB": lambda f: reverse_pages(f / "model.safetensors"),
    "config changed": lambda f: (f / "config.json").write_text("[]"),
    "file gone": lambda f: (f / "config.json").unlink(),
    "file added": lambda f: (f / "pytorch_model.bin").touch(),
    "no manifest": lambda f: (f / converted.MANIFEST).unlink(),
    "manifest cut": lambda f: (f / converted.MANIFEST).write_text('{"format"'),
    "manifest is a list": lambda f: (f / converted.MANIFEST).write_text("[]"),
    "of another file": lambda f: (f / converted.MANIFEST).write_text(
        json.dumps(converted._manifest(f, OTHER))
    ),
}


@pytest.mark.guarantee(
    "files",
    "A converted model of which one byte changed, moved or is gone is never loaded.",
    sees="The model, converted anew.",
)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_or_foreign_entry_is_built_anew(cache, damage):
    folder = converted.entry(KEY, build)
    damage(folder)
    assert not converted.is_whole(folder, KEY)
    assert converted.entry(KEY, build) == folder
    assert converted.is_whole(folder, KEY)
    assert (folder / "model.safetensors").read_bytes() == MADE
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        ["config.json", "model.safetensors", converted.MANIFEST]
    )
    assert builds(cache) == 2


@pytest.mark.guarantee(
    "kept",
    "A conversion that is killed or interrupted is made anew at the next load.",
    sees="The converted model; what the dead process left is swept away.",
)
def test_a_build_that_fails_leaves_nothing_and_the_next_one_works(cache):
    def fail(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converted.entry(KEY, fail)
    assert [file for file in (cache / "models").iterdir() if file.is_dir()] == []
    assert converted.is_whole(converted.entry(KEY, build), KEY)


def test_a_flawed_entry_that_cannot_be_deleted_is_out_of_the_way_all_the_same(cache, monkeypatch):
    (converted.entry(KEY, build) / "held").touch()

    def unlink(path, *args, unlink=os.unlink, **kwargs):
        if Path(path).name == "held":  # as a file that another process has open on some disks
            raise OSError(16, "Device or resource busy")
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(os, "unlink", unlink)
    assert converted.is_whole(converted.entry(KEY, build), KEY)
    assert [*(cache / "models").rglob("held")], "the check can fail"


def test_what_a_killed_process_left_is_swept(cache):
    left = converted.entry_folder(KEY).parent / f"{converted.entry_folder(KEY).name}.tmp-dead"
    left.mkdir(parents=True)
    converted.entry(KEY, build)
    assert not left.exists()


def slow(folder: Path) -> None:
    time.sleep(0.3)
    build(folder)


def ask(start, results) -> None:
    start.wait()
    folder = converted.entry(KEY, slow)
    results.put(converted.is_whole(folder, KEY))


@pytest.mark.guarantee(
    "kept",
    "Processes that load one model at once convert it once, and each gets the whole.",
    sees="The others wait for the one that converts.",
)
def test_processes_that_ask_at_once_build_once_and_all_get_the_whole(cache):
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    processes = [context.Process(target=ask, args=(start, results)) for _ in range(4)]
    for process in processes:
        process.start()
    start.set()
    assert [results.get(timeout=60) for _ in processes] == [True] * 4
    for process in processes:
        process.join(10)
    assert builds(cache) == 1
