"""Reading YAML that somebody else wrote: bounded, plain values only, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from pytest_interp.errors import SpecError

MAX_BYTES = 256 * 1024
"""A spec has a few kilobytes; the parser takes seconds for this much."""
MAX_NODES = 20_000
"""Values in a document, counted with every alias written out."""
MAX_TEXT = 4 * MAX_BYTES
"""Characters of its texts, counted likewise; a longer document may have its own length."""
MAX_MISTAKES = 10
"""Mistakes that one error names."""

Location = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


@dataclass(frozen=True)
class Document:
    """A YAML mapping and where each of its values stands."""

    path: Path
    data: dict[str, Any]
    lines: dict[Location, int]
    """Line of every key (for a mapping) or item (for a list), counted from 1."""
    origins: dict[Location, str] = field(default_factory=dict)
    """For values that a command line put in: the name of its option."""
    private: bool = False
    """Whether messages may show none of its values: the file may be another, and hold secrets."""

    def put(self, location: Location, value: Any, origin: str) -> None:
        """Replace a value; its place is now ``origin`` and no longer a line of the file.

        Missing mappings on the way are made.

        Raises:
            SpecError: a value on the way is no mapping.
        """
        here: Any = self.data
        for depth, key in enumerate(location[:-1], 1):
            here = here.setdefault(key, {})
            if not isinstance(here, dict):
                way = ".".join(map(str, location[:depth]))
                raise SpecError(f"{origin}: {way!r} is no mapping in {shown(self.path)}")
        here[location[-1]] = value
        for places in (self.lines, self.origins):
            for known in [known for known in places if known[: len(location)] == location]:
                del places[known]
        self.origins[location] = origin

    def has(self, location: Location) -> bool:
        """Whether there is a value at this place."""
        return location in self.lines or location in self.origins

    def line(self, location: Location) -> int:
        """The line of a value, or of the nearest thing around it that has one."""
        while location not in self.lines and location:
            location = location[:-1]
        return self.lines.get(location, 1)

    def place(self, location: Location) -> str:
        """Where a value stands: file and line, or what was put there instead."""
        while location and not self.has(location):
            location = location[:-1]
        return self.origins.get(location) or f"{shown(self.path)}:{self.line(location)}"

    def error(self, location: Location, message: str) -> SpecError:
        """An error that begins with the place, usually file and line."""
        return SpecError(f"{self.place(location)}: {message}")

    def errors(self, found: Iterable[tuple[Location, str]]) -> SpecError:
        """One error for several mistakes: one line each, in the order of the file."""
        ordered = sorted(found, key=lambda pair: self.line(pair[0]))
        lines = [str(self.error(*pair)) for pair in ordered[:MAX_MISTAKES]]
        more = len(ordered) - len(lines)
        return SpecError("\n".join([*lines, f"... and {more} more mistakes"] if more else lines))


def shown(path: Path, folder: Path | None = None) -> str:
    """A path as messages show it: relative to the folder (the current one) if it lies there."""
    try:
        return str(path.relative_to(folder or Path.cwd()))
    except ValueError:
        return str(path)


def shown_key(key: object, private: bool) -> str:
    """A key as messages show it; one of a private document only where it is made of plain words."""
    text = str(key) if str(key).isprintable() else repr(key)[1:-1]  # no escapes for the terminal
    is_plain = isinstance(key, int) or re.fullmatch(r"[^\W\d][\w .-]{0,39}", text)  # or an index
    return text if is_plain or not private else "(not shown)"


def check_below(path: Path, folders: Iterable[Path]) -> None:
    """Refuse a file that lies below none of the folders, or is a link that leads out of them.

    Raises:
        SpecError: it does. Nothing of the file was read.
    """
    allowed = [folder.resolve() for folder in folders]
    try:
        file = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle; a null byte
        raise SpecError(f"{shown(path)}:1: the file cannot be read: {error}") from None
    if not any(file.is_relative_to(folder) for folder in allowed):
        raise SpecError(
            f"{shown(path)}:1: the file lies outside of {', '.join(map(str, allowed))}, links "
            "followed: move it there, or name its folder in the ini option interp_allowed_dirs"
        )


def read_document(path: Path, max_bytes: int = MAX_BYTES, *, private: bool = False) -> Document:
    """Read a YAML file whose top level is a mapping with text keys.

    ``private``: messages show none of its values, and only keys that are plain words.

    Raises:
        SpecError: not a regular file, not readable, too large, not UTF-8, not YAML, not a mapping,
            a tag that would make an object, a key given twice, or aliases that expand beyond a
            bound. The message begins with file and line.
    """
    where = f"{shown(path)}:1"
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever, a device never end
            raise SpecError(f"{where}: this is no regular file: give one that holds YAML text")
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"{where}: the file is not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise SpecError(f"{where}: the file cannot be read: {error.strerror}") from error
    if len(data) > max_bytes:
        raise SpecError(
            f"{where}: the file is too large: at most {max_bytes:,} bytes are read. Keep only the "
            "inputs of one experiment in it"
        )
    return parse_document(text, path, private=private)


def parse_document(text: str, path: Path, *, private: bool = False) -> Document:
    """As :func:`read_document`, from text that was read already."""
    where = shown(path)
    data, lines = _parse(text, lambda line: f"{where}:{line}", private)
    if not lines:
        raise SpecError(f"{where}:1: the file is empty: fill it, or remove it")
    if not isinstance(data, dict):
        kinds = {list: "a list", str: "text", type(None): "nothing"}
        raise SpecError(
            f"{where}:{lines[()]}: expected a mapping of keys to values at the top level, got "
            f"{kinds.get(type(data), 'a single value')}"
        )
    return Document(path, data, lines, private=private)


def parse_value(text: str, origin: str) -> Any:
    """One value of a command line; None for no text. Bounds and errors as for a document.

    ``origin`` stands in the messages in place of file and line.
    """
    return _parse(text, lambda line: origin)[0]


def _parse(
    text: str, place: Callable[[int], str], private: bool = False
) -> tuple[Any, dict[Location, int]]:
    """The plain value of a text, and its lines; no lines where the text holds nothing."""
    try:
        loader = yaml.SafeLoader(text)  # it refuses every tag that would make an object
        node = loader.get_single_node()
        if node is None:
            return None, {}
        walk = _Walk(place, max(MAX_TEXT, len(text)), private)
        walk.measure(node)  # first: a small document cannot be slow to walk
        walk.note(node, ())
        return loader.construct_document(node), walk.lines
    except SpecError:
        raise
    except yaml.MarkedYAMLError as error:
        raise SpecError(_syntax(place, error, private)) from None
    except yaml.YAMLError as error:
        reason = str(error).partition("\n")[0]
        raise SpecError(f"{place(1)}: this is not YAML text: {reason}") from error
    except RecursionError as error:
        raise SpecError(f"{place(1)}: values are nested too deeply to be a spec") from error
    except (ValueError, OverflowError, LookupError, AttributeError) as error:  # !!bool x, !!int x
        why = "it is not what its form or its tag says" if private else error
        raise SpecError(f"{place(1)}: a value cannot be read: {why}") from None


class _Walk:
    """Finds the line of every value, and counts values as if every alias were written out."""

    def __init__(self, place: Callable[[int], str], max_text: int, private: bool) -> None:
        self.place, self.private = place, private
        self.bounds = {"values": MAX_NODES, "characters": max_text}
        self.sizes: dict[int, tuple[int, int]] = {}
        self.open: set[int] = set()
        self.lines: dict[Location, int] = {}

    def _error(self, node: yaml.Node, message: str) -> SpecError:
        return SpecError(f"{self.place(node.start_mark.line + 1)}: {message}")

    def measure(self, node: yaml.Node) -> tuple[int, int]:
        """Values and characters of a node, its aliases written out."""
        if id(node) in self.open:
            raise self._error(node, "this value contains itself through an alias")
        if id(node) not in self.sizes:
            self.open.add(id(node))
            if isinstance(node, yaml.ScalarNode):
                size = 1, len(node.value)
            else:
                is_mapping = isinstance(node, yaml.MappingNode)
                children = chain.from_iterable(node.value) if is_mapping else node.value
                values, characters = zip((1, 0), *map(self.measure, children), strict=True)
                size = sum(values), sum(characters)
            self.open.discard(id(node))
            for count, (what, bound) in zip(size, self.bounds.items(), strict=True):
                if count > bound:
                    raise self._error(
                        node,
                        f"with its aliases written out this has more than {bound:,} {what}: write "
                        "the few that the spec needs, without aliases of aliases",
                    )
            self.sizes[id(node)] = size
        return self.sizes[id(node)]

    def note(self, node: yaml.Node, location: Location) -> None:
        """Keep the lines of a node and of all below it."""
        self.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                self.note(child, (*location, index))
        elif isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith((":str", ":merge")):
                    is_one = isinstance(key, yaml.ScalarNode)
                    text = shown_key(key.value, self.private) if is_one else "a list or a mapping"
                    message = f"a key must be text, and {text} is not: put it in quotes"
                    raise self._error(key, message)
                name = str(key.value)
                if name in seen:
                    said = shown_key(name, self.private)
                    raise self._error(key, f"key '{said}' was given in line {seen[name]} already")
                seen[name] = line
                if name == "<<":  # the keys of what is merged in belong to this mapping
                    self.note(value, location)
                    continue
                self.lines[(*location, name)] = line
                self.note(value, (*location, name))


_PLAINER = {
    "mapping values are not allowed": (
        "no key can stand here: check the indentation, and put text with ': ' in quotes"
    ),
    "expected <block end>": (
        "this does not go on with what stands above: check the indentation and the quotes"
    ),
    "found unexpected end of stream": "a quote is opened before this line, and not closed",
    "expected ',' or ']'": "a list is opened by [, and not closed",
    "expected ',' or '}'": "a mapping is opened by {, and not closed",
    "could not find expected ':'": "a key is followed by a colon: write key: value",
}
"""What PyYAML says, by its first words, in words for people who write specs."""


def _syntax(place: Callable[[int], str], error: yaml.MarkedYAMLError, private: bool) -> str:
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else mark.line + 1
    problem = error.problem or str(error)
    _, no_constructor, tag = problem.partition("a constructor for the tag ")
    if private:  # what PyYAML quotes is text of the file, but for single signs and its own words
        problem = re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", _own_word, problem)
        tag = "this"
    problem = next((own for words, own in _PLAINER.items() if problem.startswith(words)), problem)
    if no_constructor:
        problem = f"{tag} is a tag that makes an object: a spec holds plain values only; remove it"
    elif "'\\t'" in problem:
        problem = "there is a tab here: YAML is indented with spaces"
    elif isinstance(error, yaml.composer.ComposerError) and "single document" in str(error.context):
        problem = "a second document begins here (---): write one spec per file"
    return f"{place(line)}: {problem}"


def _own_word(quoted: re.Match[str]) -> str:
    return quoted[0] if quoted[0][1] == "<" else "(not shown)"
