"""YAML from strangers: bounded, plain values only, each value with its line."""

import os
import time
from pathlib import Path

import pytest

from pytest_interp.documents import (
    MAX_BYTES,
    MAX_NODES,
    MAX_TEXT,
    parse_document,
    parse_value,
    read_document,
)
from pytest_interp.errors import SpecError

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "tab": ("a:\n\tb: 1\n", 2, "a tab"),
    "empty": ("", 1, "empty"),
    "only a comment": ("# nothing\n", 1, "empty"),
    "list": ("- a\n", 1, "a list"),
    "text": ("hello\n", 1, "expected a mapping"),
    "bomb": (BOMB, 5, "aliases"),
    "bomb of text": (f"a: &a {'x' * 120_000}\nb: [{'*a, ' * 19_000}]\n", 2, "characters"),
    "contains itself": ("x: 1\na: &a [*a]\n", 2, "contains itself"),
    "python object": ("a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "plain values"),
    "own tag": ("a: !thing 1\n", 1, "'!thing'"),
    "key twice": ("a: 1\nb: 2\na: 3\n", 3, "in line 1 already"),
    "key that is a number": ("1: 2\n", 1, "must be text"),
    "two documents": ("a: 1\n---\nb: 1\n", 2, "second document"),
    "unclosed list": ("a: [1, 2\nb: 3\n", 2, "opened by [, and not closed"),
    "unclosed mapping": ("a: {b: 2\nc: 3\n", 2, "opened by {, and not closed"),
    "unclosed quote": ("a: 'x\nb: 3\n", 3, "a quote is opened before this line"),
    "wrong indentation": ("a:\n  - x\n b: 1\n", 3, "above: check the indentation"),
    "key on a deeper level": ("a: 1\n  b: 2\n", 2, "no key can stand here: check the indentation"),
    "no colon": ("a: 1\nb\nc: 2\n", 3, "followed by a colon"),
    "undefined alias": ("a: 1\nb: *c\n", 2, "undefined alias"),
    "control character": ("a: \x07\n", 1, "not YAML text"),
    "no date": ("a: 2001-13-45\n", 1, "cannot be read"),
    "tag that lies": ("a: !!bool x\n", 1, "cannot be read"),
    "tag that lies of a date": ("a: !!timestamp x\n", 1, "cannot be read"),
    "huge number": (f"a: {'9' * 5000}\n", 1, "cannot be read"),
    "too many values": ("a:\n" + "  - x\n" * (MAX_NODES + 1), 2, "more than"),
}


@pytest.mark.guarantee(
    "files",
    "A YAML file cannot make objects, grow through aliases or exhaust the parser.",
    sees="The spec fails, with the line and what was found there.",
)
@pytest.mark.parametrize(("text", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_with_file_and_line(text, line, words):
    with pytest.raises(SpecError) as caught:
        parse_document(text, Path("some.interp.yaml"))
    message = str(caught.value)
    assert message.startswith(f"some.interp.yaml:{line}: ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("depth", [10_000, 50_000])
def test_deep_nesting_is_refused(depth):
    with pytest.raises(SpecError, match="nested too deeply"):
        parse_document("a: " + "[" * depth, Path("some.interp.yaml"))


def test_large_file_is_refused_without_reading_it(tmp_path):
    file = tmp_path / "large.interp.yaml"
    with file.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    start = time.perf_counter()
    with pytest.raises(SpecError, match=f"at most {MAX_BYTES:,}"):
        read_document(file)
    assert time.perf_counter() - start < 0.5


@pytest.mark.guarantee(
    "files",
    "Only regular files are read as YAML: a pipe or a device cannot hang a run.",
    sees="The spec fails at once: this is no regular file.",
)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")  # nobody writes into it: opening it would wait for ever
    (tmp_path / "link.yaml").symlink_to(tmp_path / "pipe.yaml")
    for path in (Path("/dev/zero"), tmp_path / "pipe.yaml", tmp_path / "link.yaml", tmp_path):
        with pytest.raises(SpecError, match=f"{path.name}:1: this is no regular file"):
            read_document(path)


def test_long_text_without_aliases_is_only_bounded_by_the_file():
    text = "x" * (MAX_TEXT + 1)
    assert parse_document(f"a: {text}\n", Path("f")).data == {"a": text}


def test_value_of_a_command_line():
    assert parse_value("[1, a]", "--set x") == [1, "a"]
    assert parse_value("", "--set x") is None
    for text, words in [
        ("&a [*a]", "contains itself"),
        ("[1", "and not closed"),
        ("!!python/name:os.system", "makes an object"),
    ]:
        with pytest.raises(SpecError, match=f"^--set x: .*{words}"):
            parse_value(text, "--set x")


def test_value_that_was_put_in_has_its_origin_in_place_of_a_line():
    document = parse_document("a: {x: 1}\nb: 2\n", Path("f"))
    document.put(("a", "x"), [3], "--set a.x")
    document.put(("c", "d"), 4, "--set c.d")
    assert document.data == {"a": {"x": [3]}, "b": 2, "c": {"d": 4}}
    assert str(document.error(("a", "x", 0), "no")) == "--set a.x: no"
    assert str(document.error(("a",), "no")) == "f:1: no"
    assert str(document.error(("c", "d", "e"), "no")) == "--set c.d: no"
    document.put(("a",), 5, "--a")
    assert str(document.error(("a", "x"), "no")) == "--a: no"
    with pytest.raises(SpecError, match=r"^--set b\.c: 'b' is no mapping in f$"):
        document.put(("b", "c"), 1, "--set b.c")


def test_many_mistakes_are_not_all_told():
    document = parse_document("a: [1, 2]\n", Path("f"))
    lines = str(document.errors([(("a",), f"wrong {n}") for n in range(100)])).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "... and 90 more mistakes"


def test_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(SpecError, match=r"absent\.yaml:1: the file cannot be read: No such file"):
        read_document(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(SpecError, match=r"binary\.yaml:1: the file is not UTF-8"):
        read_document(tmp_path / "binary.yaml")


def test_lines_of_values():
    document = parse_document("a: 1\nb:\n  - x: 2\n\n  - y\n", Path("f"))
    assert document.data == {"a": 1, "b": [{"x": 2}, "y"]}
    assert document.line(("b",)) == 2
    assert document.line(("b", 0, "x")) == 3
    assert document.line(("b", 1)) == 5
    assert document.line(("b", 1, "what", "is", "not", "there")) == 5


def test_aliases_and_merged_keys_within_the_bound():
    document = parse_document("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n", Path("f"))
    assert document.data == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}
    assert document.line(("b", "y")) == 2
