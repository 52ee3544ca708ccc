"""A comparison of two checkpoints or more: as text, JSON, a page and a figure."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError, ReportError
from pytest_interp.report.comparison import words
from pytest_interp.report.comparison.pairs import FATES, Comparison
from pytest_interp.report.comparison.several import ClaimLine, as_table, claim_lines
from pytest_interp.report.escaping import visible
from pytest_interp.report.making import plain
from pytest_interp.report.run import RunRecord

if TYPE_CHECKING:
    from pytest_interp.figures import MarginLine

SCHEMA = 1
"""Version of the layout of the JSON."""
FORMATS: dict[str, Literal["svg", "pdf", "png"]] = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
"""Of figures, by the suffix of the file."""


def as_text(names: Sequence[str], runs: Sequence[RunRecord], found: Sequence[Comparison]) -> str:
    """For a terminal: of two checkpoints the comparison, of more a table of claims."""
    width = max(60, min(shutil.get_terminal_size().columns, words.WIDTH))
    if len(found) == 1:
        return words.as_text(found[0], width)
    heads = [f"{one.before} -> {one.after}: {words.headline(one)}" for one in found]
    weights = [f"{one.after}: {one.tensors.headline}" for one in found if one.tensors is not None]
    rows = [[visible(cell) for cell in row] for row in as_table(names, claim_lines(runs))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = (
        "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join([*map(visible, heads), "", *table, "", "weights", *map(visible, weights)])


def as_json(
    names: Sequence[str], runs: Sequence[RunRecord], found: Sequence[Comparison], suffix: str
) -> bytes:
    """All that was measured of both sides, and what came of each claim."""
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "checkpoints": list(names),
        "comparisons": [
            {"headline": words.headline(one), "counts": one.counts, **asdict(one)} for one in found
        ],
        "lines": [asdict(line) for line in claim_lines(runs)],
        "runs": [asdict(_without_figures(run)) for run in runs],
    }
    return (json.dumps(plain(data), indent=1, ensure_ascii=False) + "\n").encode(
        errors="backslashreplace"
    )


def _without_figures(run: RunRecord) -> RunRecord:
    """The numbers alone; baselines are of the model, and judge no checkpoint."""
    tests = (
        replace(
            test,
            results=tuple(replace(one, figure=None, baseline=None) for one in test.results),
        )
        for test in run.tests
    )
    return replace(run, tests=tuple(tests))


def as_html(
    names: Sequence[str], runs: Sequence[RunRecord], found: Sequence[Comparison], suffix: str
) -> bytes:
    """A page for a browser, in one file."""
    from pytest_interp.report.pages import page

    picture = None
    if len(found) > 1:
        picture = b64encode(as_figure(names, runs, found, ".svg")).decode()
    text = page(
        "compare.html",
        styles=("compare.css",),
        comparisons=found,
        names=names,
        fates=FATES,
        headline=words.headline,
        title_of=words.title,
        side_of=words.side,
        meaning=words.meaning,
        facts_of=words.facts_lines,
        table=as_table(names, claim_lines(runs)) if picture else (),
        picture=picture,
    )
    return text.encode()


def as_figure(
    names: Sequence[str], runs: Sequence[RunRecord], found: Sequence[Comparison], suffix: str
) -> bytes:
    """Each claim over the checkpoints.

    Raises:
        ReportError: the suffix names no format of figures.
    """
    from pytest_interp.figures import checkpoints_figure, exported

    form = FORMATS.get(suffix.lower())
    if form is None:
        raise ReportError(
            f"a figure is written as {', '.join(FORMATS)}, and the file given ends in {suffix!r}"
        )
    found_lines = claim_lines(runs)
    tests = Counter(line.test for line in found_lines)
    lines = [_margins(line, tests[line.test] == 1) for line in found_lines]
    return exported(checkpoints_figure(names, lines), form)


def _margins(line: ClaimLine, by_test: bool) -> MarginLine:
    from pytest_interp.figures import MarginLine

    points = line.points
    return MarginLine(
        name=line.test if by_test else f"{line.claim} ({line.test})",
        margins=tuple(point.margin for point in points),
        statuses=tuple(point.status for point in points),
    )


def write(path: Path, content: bytes) -> None:
    """Write a whole file in place of what was there.

    Raises:
        ReportError: it cannot be written; what was there is unchanged.
    """
    from pytest_interp.baselines.files import write_together

    try:
        write_together({path: content})
    except BaselineError as error:
        raise ReportError(
            f"{shown(path)} could not be written ({error.__cause__}). What was there is unchanged"
        ) from error
