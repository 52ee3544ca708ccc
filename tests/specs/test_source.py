"""YAML from strangers: bounded, plain values only, each value with its line."""

import time
from pathlib import Path

import pytest

from pytest_interp.errors import SpecError
from pytest_interp.specs.source import MAX_BYTES, MAX_NODES, parse_document, read_document

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
    "contains itself": ("x: 1\na: &a [*a]\n", 2, "contains itself"),
    "python object": ("a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "plain values"),
    "own tag": ("a: !thing 1\n", 1, "'!thing'"),
    "key twice": ("a: 1\nb: 2\na: 3\n", 3, "in line 1 already"),
    "key that is a number": ("1: 2\n", 1, "must be text"),
    "two documents": ("a: 1\n---\nb: 1\n", 2, "second document"),
    "unclosed": ("a: [1, 2\nb: 3\n", 2, "expected"),
    "undefined alias": ("a: 1\nb: *c\n", 2, "undefined alias"),
    "control character": ("a: \x07\n", 1, "not YAML text"),
    "no date": ("a: 2001-13-45\n", 1, "cannot be read"),
    "huge number": (f"a: {'9' * 5000}\n", 1, "cannot be read"),
    "too many values": ("a:\n" + "  - x\n" * (MAX_NODES + 1), 2, "more than"),
}


@pytest.mark.parametrize(("text", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_with_file_and_line(text, line, words):
    with pytest.raises(SpecError) as caught:
        parse_document(text, Path("some.interp.yaml"))
    message = str(caught.value)
    assert message.startswith(f"some.interp.yaml:{line}: ")
    assert words in message
    assert "\n" not in message


def test_deep_nesting_is_refused():
    with pytest.raises(SpecError, match="nested too deeply"):
        parse_document("a: " + "[" * 50_000, Path("some.interp.yaml"))


def test_large_file_is_refused_without_reading_it(tmp_path):
    file = tmp_path / "large.interp.yaml"
    with file.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    start = time.perf_counter()
    with pytest.raises(SpecError, match=f"at most {MAX_BYTES:,}"):
        read_document(file)
    assert time.perf_counter() - start < 0.5


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
