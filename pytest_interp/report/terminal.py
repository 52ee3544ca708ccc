"""The claims of a run as a table for a terminal, a line each, failures first."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pytest_interp.report.lines import BAD, WORST_FIRST, Line, Word, counts
from pytest_interp.report.run import ClaimRecord

_STYLES: Final[dict[Word, str]] = {
    "error": "bold red",
    "failed": "red",
    "unfinished": "red",
    "inconclusive": "bold yellow",
    "xpassed": "yellow",
    "expected": "cyan",
    "passed": "green",
    "xfailed": "cyan",
    "skipped": "dim",
}
_MARKS: Final[dict[Word, str]] = {
    "error": "E",
    "failed": "F",
    "unfinished": "!",
    "inconclusive": "?",
    "xpassed": "X",
    "expected": "ok",
    "passed": "ok",
    "xfailed": "x",
    "skipped": "-",
}
_STATES: Final = {"changed": "red", "unreadable": "red", "new": "yellow", "unchecked": "yellow"}
_UNLISTED: Final = ("skipped", "unfinished")
"""Words that say nothing of a claim: the title counts them."""
_SIGNS: Final = {"at least": ">=", "at most": "<="}
_WIDE: Final = 110
"""Columns that hold whole names of models and backends."""


def title(lines: list[Line]) -> str:
    """How many claims came to what, the worst first."""
    found = counts(lines)
    return ", ".join(f"{found[word]} {word}" for word in WORST_FIRST if found[word])


def render_terminal(lines: list[Line], width: int, *, colours: bool) -> list[str]:
    """The table, as lines of text of at most ``width`` columns."""
    shown = [line for line in lines if line.word not in _UNLISTED]
    unfinished = list(_unfinished(lines, width))
    if not shown:
        return unfinished
    narrow = width < _WIDE
    models = sorted({line.worst.test.model or "" for line in shown} - {""})
    backends = sorted({b for line in shown for b in line.words if b}, key=lambda b: (len(b), b))
    has_models = len(models) > 1 or (models and not narrow)
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("claim", overflow="fold", ratio=1, min_width=12)
    table.add_column("value", no_wrap=True)
    table.add_column("margin", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    if has_models:
        table.add_column("model", overflow="fold", max_width=14 if narrow else None)
    for backend in backends:
        table.add_column(_short(backend) if narrow else backend, no_wrap=True)
    table.add_column("baseline", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for line in shown:
        cells = [Text(line.word, _STYLES[line.word]), Text(_safe(_name(line, shown)))]
        cells += _numbers(line.worst.claim)
        cells += [Text(_safe(line.worst.test.model or ""))] if has_models else []
        cells += [_mark(line.words.get(backend)) for backend in backends]
        cells += [Text(line.state or "", _STATES.get(line.state or "", ""))]
        table.add_row(*cells, Text(_seconds(line.seconds)))
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        color_system="standard" if colours else None,
        force_terminal=colours,
        no_color=not colours,
        legacy_windows=False,
        highlight=False,
        emoji=False,
    )
    console.print(table)
    for line in shown:
        if line.word in BAD:
            for reason in _why(line, width):
                console.print(reason, soft_wrap=True)
    for text in unfinished:
        console.print(Text(text), soft_wrap=True)
    if narrow:
        for said in _legend(models if not has_models else [], backends):
            console.print(Text(_safe(said), "dim"))
    return [text.rstrip() for text in stream.getvalue().splitlines()]


def _name(line: Line, lines: list[Line]) -> str:
    """The test, with its file where several files ran, and the claim's place where it has more."""
    test, claim = line.worst.test, line.worst.claim
    name = test.name
    if len({one.worst.test.spec for one in lines}) > 1:
        file = test.spec.rpartition("/")[2].removesuffix(".py").removesuffix(".interp.yaml")
        name = f"{file}::{name}"
    if claim is not None and len(test.claims) > 1:
        name += f" #{line.worst.place + 1}"
    return name


def _numbers(claim: ClaimRecord | None) -> list[Text]:
    """Value against threshold, margin and n; empty where there are none."""
    if claim is None:
        return [Text("")] * 3
    value = margin = ""
    if claim.effect is not None:
        value = "undefined" if claim.effect.value is None else f"{claim.effect.value:.3f}"
        word = next((word for word in _SIGNS if claim.claimed.startswith(word)), None)
        value += f" {claim.claimed.replace(word, _SIGNS[word]) if word else claim.claimed}".rstrip()
    if claim.margin is not None and math.isfinite(claim.margin):
        margin = f"{claim.margin:+.3f}"
    return [Text(_safe(value)), Text(margin), Text(str(claim.n))]


def _why(line: Line, width: int) -> Iterator[Text]:
    """The reason of what is no pass, in as many columns as there are."""
    if line.reason:
        head = f"{line.word}: {line.worst.test.name}: "
        text = Text(_safe(f"{head}{line.reason}"))
        text.stylize(_STYLES[line.word], 0, len(line.word))
        if text.cell_len > width:
            text.truncate(width - 3)
            text.append("...")
        yield text


def _unfinished(lines: list[Line], width: int) -> Iterator[str]:
    """What did not run to its end: a line for each way, with as many names as there is room for."""
    ways: dict[str, list[str]] = {}
    for line in lines:
        if line.word == "unfinished":
            ways.setdefault(line.reason, []).append(line.worst.test.name)
    for reason, names in ways.items():
        text = _safe(f"unfinished: {len(names)} {reason}: {', '.join(names)}")
        yield text if len(text) <= width else f"{text[: width - 3]}..."


def _mark(word: Word | None) -> Text:
    return Text("") if word is None else Text(_MARKS[word], _STYLES[word])


def _short(backend: str) -> str:
    """TL for transformer_lens, NN for nnsight."""
    parts = backend.split("_")
    return ("".join(part[:1] for part in parts) if len(parts) > 1 else backend[:2]).upper()


def _legend(models: list[str], backends: list[str]) -> Iterator[str]:
    parts = [f"{_short(backend)} {backend}" for backend in backends]
    parts += [f"model {model}" for model in models]
    if parts:
        yield "; ".join(parts)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 100 else f"{seconds:.1f}"


def _safe(text: str) -> str:
    """Text without what a terminal would obey."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
