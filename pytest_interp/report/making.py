"""Records made of what a test did: of its verdicts, its results and their comparisons."""

from __future__ import annotations

import base64
import json
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError, described
from pytest_interp.report.run import (
    BaselineRecord,
    ChangeRecord,
    ClaimRecord,
    ControlRecord,
    FigureFile,
    Interval,
    ReadingRecord,
    ResultRecord,
    ShownRecord,
    State,
)

if TYPE_CHECKING:
    from pytest_interp.baselines.checked import Checked
    from pytest_interp.baselines.images import Drawing
    from pytest_interp.claims.verdict import Verdict
    from pytest_interp.results.base import Result


def plain(value: Any) -> Any:
    """A value as JSON holds it: numpy's numbers as numbers, what JSON lacks (NaN) as None."""
    text = json.dumps(
        value, default=lambda one: one.tolist() if hasattr(one, "tolist") else str(one)
    )
    return json.loads(text, parse_constant=lambda _: None)


def claim_record(verdict: Verdict) -> ClaimRecord:
    """A verdict as a record."""
    whole = plain(verdict.to_json())
    return ClaimRecord(
        claim=verdict.claim,
        status=whole["status"],
        headline=verdict.headline,
        sentence=verdict.sentence,
        scope=verdict.scope,
        n=verdict.n_prompts,
        effect=None if whole["effect"] is None else Interval(**whole["effect"]),
        claimed=verdict.claimed,
        threshold=whole["threshold"],
        margin=whole["margin"],
        confidence=whole["confidence"],
        controls=tuple(
            ControlRecord(text=str(one), holds=None if one.value is None else one.holds)
            for one in verdict.controls
        ),
        details=verdict.details,
        verdict=whole,
    )


def result_record(
    result: Result, checked: Checked | None, rootdir: Path, *, whole: bool
) -> ResultRecord:
    """A result, and what came of its comparison, as a record.

    Args:
        result: what was measured.
        checked: its comparison with a baseline, where there was one.
        rootdir: what paths are relative to.
        whole: with its numbers, its figure and all that moved. They cost time and memory.
    """
    kind = type(result).__name__
    try:
        return _result_record(kind, result, checked, rootdir, whole)
    except Exception as error:  # of a class that others wrote: it must not end the run
        return ResultRecord(kind=kind, summary=f"no record: {described(error)}", result={})


def _result_record(
    kind: str, result: Result, checked: Checked | None, rootdir: Path, whole: bool
) -> ResultRecord:
    summary = result.summary()
    baseline = baseline_record(checked, rootdir, whole=whole) if checked is not None else None
    if not whole:
        return ResultRecord(kind=kind, summary=summary, result={}, baseline=baseline)
    figure, problem = _figure_of(result, checked)
    made = result.provenance
    return ResultRecord(
        kind=kind,
        summary=summary,
        result=plain(result.to_json()),
        axes={
            name: tuple((axis.name, axis.labels) for axis in axes)
            for name, axes in result.axes().items()
        },
        shown={name: ShownRecord(**asdict(one)) for name, one in result.shown().items()},
        readings=tuple(ReadingRecord(**plain(asdict(one))) for one in result.readings()),
        shared={
            way: tuple(tuple(sorted(map(str, names))) for names in of)
            for way, of in result.shared().items()
        },
        provenance=None if made is None else plain(made.to_json()),
        figure=figure,
        figure_problem=problem,
        baseline=baseline,
        texts=result.texts(),
    )


def baseline_record(checked: Checked, rootdir: Path, *, whole: bool) -> BaselineRecord:
    """What came of one comparison, as a record. Arguments as for :func:`result_record`."""
    found, slot = checked.found, checked.slot
    changes: tuple[ChangeRecord, ...] = ()
    provenance: tuple[str, ...] = ()
    old_figure = None
    if whole and found is not None and found.old is not None:
        from pytest_interp.baselines.compare import compare
        from pytest_interp.baselines.wording import place_of, provenance_lines, value_line

        old, new = found.old, found.new
        changes = tuple(
            ChangeRecord(
                path=place_of(change, old, new),
                text=value_line(change, old, new),
                old=_side(change.old),
                new=_side(change.new),
                excess=plain(change.excess) if change.allowed else None,
                within_noise=change.within_noise,
                keys=change.path,
            )
            for change in compare(old, new)
        )
        provenance = tuple(line.strip() for line in provenance_lines(old, new)[1:])
        # after an update, the saved figure is the new one
        old_figure = _kept(checked.replaced) if checked.written else _saved_figure(slot.picture)
    return BaselineRecord(
        file=shown(slot.numbers, rootdir),
        name=checked.name,
        state=state_of(checked),
        changes=changes,
        provenance=provenance,
        figure_problem=checked.problem.text if checked.problem else "",
        old_figure=old_figure,
        pending=checked.review,
    )


def state_of(checked: Checked) -> State:
    """What became of one comparison."""
    from pytest_interp.baselines.policy import Update

    found = checked.found
    if checked.written:
        return "written"
    if found is None or checked.postponed:
        return "unchecked"
    if found.error is not None:
        return "unreadable"
    if found.old is None:
        return "new" if checked.is_judged else "not judged"
    if found.needs is not Update.NOTHING or checked.problem is not None:
        return "changed" if checked.is_judged else "not judged"
    return "same" if found.old.result == found.new.result else "within"


def _side(value: Any) -> Any:
    """One side of a change; None where that side has no such value."""
    from pytest_interp.baselines.compare import ABSENT

    return None if value is ABSENT else plain(value)


_drawn: dict[int, tuple[weakref.ref[Result], tuple[FigureFile | None, str]]] = {}
"""Figures of results that are still in use: several tests often rest on one result."""


def _figure_of(result: Result, checked: Checked | None) -> tuple[FigureFile | None, str]:
    """The figure of a result; where drawing it fails, why: a report must not fail a test."""
    known = _drawn.get(id(result))
    if known is not None and known[0]() is result:
        return known[1]
    try:
        drawing: Drawing | None
        if checked is not None:
            drawing = checked.drawing
        else:
            from pytest_interp.figures import draw

            drawing = draw(result)
        made = (None if drawing is None else _png(drawing.picture)), ""
    except Exception as error:  # the figure may be of another package
        made = None, described(error)
    with suppress(TypeError):  # a class with slots may have no weak references
        _drawn[id(result)] = weakref.ref(result), made
        weakref.finalize(result, _drawn.pop, id(result), None)
    return made


def _saved_figure(file: Path) -> FigureFile | None:
    from pytest_interp.baselines.files import read_if_there

    try:
        content = read_if_there(file)
    except BaselineError:
        return None
    return _kept(content)


def _kept(content: bytes | None) -> FigureFile | None:
    return None if content is None else _png(content)


def _png(content: bytes) -> FigureFile:
    return FigureFile(media="image/png", data=base64.b64encode(content).decode())


def as_plain(record: Any) -> Mapping[str, Any]:
    """A record as a dict of plain values, which travels between processes."""
    made: Mapping[str, Any] = plain(asdict(record))
    return made
