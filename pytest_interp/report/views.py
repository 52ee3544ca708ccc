"""What the templates ask of a run's records: filters that turn records into what a page shows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from pytest_interp.report.axis import Drawn, anchor, axis_of
from pytest_interp.report.cases import Case, Side, worst
from pytest_interp.report.grids import facts_of, grids_of, largest_difference, tables_of
from pytest_interp.report.run import (
    STATES,
    BaselineRecord,
    ClaimRecord,
    FigureFile,
    ReadingRecord,
    ResultRecord,
)

_NOTICED = 1e-3
"""Where the backends differ by more than this, the page says so."""


def worst_of(side: Side[ClaimRecord]) -> ClaimRecord:
    """The claim as it came out on the backend where it came out worst."""
    status = worst(side)
    return next(claim for _, claim in side.all if claim.status == status)


def is_asked_for(side: Side[ClaimRecord]) -> bool:
    """Whether the claim does not hold and its tests passed all the same: they ask for that."""
    broken = [test for test, claim in side.all if claim.status != "passed"]
    return bool(broken) and all(test.outcome == "passed" for test in broken)


def claim_line(claim: ClaimRecord) -> str:
    """The headline without its verdict, which stands before it as a sign."""
    return claim.headline.removeprefix(f"{claim.status}: ") or claim.claim


def axis(side: Side[ClaimRecord]) -> Drawn | None:
    """The axis of a claim, with one interval for each backend."""
    return axis_of([claim for _, claim in side.by_test])


def controls(side: Side[ClaimRecord]) -> list[tuple[str, list[bool | str | None]]]:
    """Each control, and whether it holds on each backend; ``absent`` where it has other words."""
    texts = dict.fromkeys(control.text for _, claim in side.all for control in claim.controls)
    found = [{c.text: c.holds for c in claim.controls} for _, claim in side.all]
    return [(text, [of.get(text, "absent") for of in found]) for text in texts]


def baseline(side: Side[ResultRecord]) -> BaselineRecord | None:
    """Of the backends' comparisons the one that most needs a look."""
    found = [result.baseline for _, result in side.all if result.baseline]
    return min(found, key=lambda one: STATES.index(one.state), default=None)


def comparisons(side: Side[ResultRecord]) -> list[tuple[str, BaselineRecord]]:
    """What each backend found against the baseline; backends that found the same stand together."""
    found: list[tuple[list[str], BaselineRecord]] = []
    for test, result in side.all:
        one = result.baseline
        if not one or not (one.changes or one.figure_problem or one.provenance):
            continue
        said = (one.changes, one.figure_problem, one.provenance)
        same = [
            names
            for names, other in found
            if (other.changes, other.figure_problem, other.provenance) == said
        ]
        if same:
            same[0].append(test.backend or "")
        else:
            found.append(([test.backend or ""], one))
    return [(" and ".join(names), one) for names, one in found]


def waiting(side: Side[ResultRecord]) -> list[str]:
    """The ids under which the results of the backends wait for a review."""
    baselines = (result.baseline for _, result in side.all)
    return [one.pending for one in baselines if one and one.pending]


def words(case: Case) -> str:
    """The text that a search looks in, apart from what the row shows."""
    said = [case.first.about, case.anchor]
    for test in case.tests:
        said += [test.id, test.message]
        said += [f"{claim.claim} {claim.sentence}" for claim in test.claims]
    return " ".join(dict.fromkeys(said)).lower()


def readings(side: Side[ResultRecord]) -> list[tuple[str, list[str]]]:
    """The few numbers by which people know the result: each name, and its value on each backend."""
    found = [{one.name: _reading(one) for one in result.readings} for _, result in side.all]
    names = dict.fromkeys(name for one in found for name in one)
    return [(name, [one.get(name, "") for one in found]) for name in names]


def _reading(one: ReadingRecord) -> str:
    if one.value is None:
        return "none"
    value = number(one.value)
    text = f"{one.unit} {value}" if one.unit == "layer" else f"{value} {one.unit}".strip()
    return f"{text}: {one.says}" if one.says and one.value > 0 else text


def summaries(side: Side[ResultRecord]) -> list[str]:
    """What was found; by backend where they found different things."""
    said = {test.backend: result.summary for test, result in side.all if result.summary}
    if len(set(said.values())) <= 1:
        return list(dict.fromkeys(said.values()))
    return [f"{backend}: {summary}" for backend, summary in said.items()]


def pictures(side: Side[ResultRecord]) -> list[tuple[str, str, str]]:
    """The saved figure and those of the backends: label, ``#`` and id, kind of file.

    Figures that are the same stand once, under both names.
    """
    names: dict[str, list[str]] = {}
    kinds: dict[str, str] = {}
    for test, result in side.all:
        old = result.baseline and result.baseline.old_figure
        new = test.backend or "this run"
        for name, figure in (("saved", old), (new, result.figure)):
            if figure:
                same = names.setdefault(figure_id(figure), [])
                same += [] if name in same else [name]
                kinds[figure_id(figure)] = figure.media
    saved_first = sorted(names, key=lambda of: "saved" not in names[of])
    return [(" and ".join(names[of]), f"#{of}", kinds[of]) for of in saved_first]


def figure_id(figure: FigureFile) -> str:
    """The id of the block that holds a figure; one for all that are the same."""
    digest = hashlib.sha256(f"{figure.media} {figure.data}".encode()).hexdigest()
    return f"figure-{digest[:16]}"


def figure_address(figure: FigureFile) -> str:
    """A figure as an address that holds the whole file."""
    return f"data:{figure.media};base64,{re.sub('[^A-Za-z0-9+/=]', '', figure.data)}"


def numbers(side: Side[ResultRecord]) -> dict[str, Any]:
    """The maps and tables of each backend, for the script that draws them."""
    found = [
        {
            "backend": test.backend or "",
            "grids": [asdict(grid) for grid in grids_of(result)],
            "tables": [asdict(table) for table in tables_of(result)],
        }
        for test, result in side.all
    ]
    return {
        "any": any(one["grids"] or one["tables"] for one in found),
        "data": found,
        "difference": _difference(side),
    }


def _difference(side: Side[ResultRecord]) -> str:
    if len(side.all) != 2:
        return ""
    (one, first), (other, second) = side.all
    found = largest_difference(first, second)
    if found is None:
        return ""
    by, where = found
    if by == 0:
        return f"{one.backend} and {other.backend} agree in every cell of the maps."
    how = "" if by > _NOTICED else " at most"
    return f"{one.backend} and {other.backend} differ by{how} {by:.2g}: {where}."


def provenance_rows(side: Side[ResultRecord]) -> list[tuple[str, list[Any]]]:
    """How the results came about: each name, and its value on each backend."""
    found = [_flat(result.provenance or {}) for _, result in side.all]
    names = dict.fromkeys(name for one in found for name in one)
    return [(name, [one.get(name) for one in found]) for name in names]


def _flat(provenance: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in provenance.items():
        flat |= value if isinstance(value, Mapping) else {name: value}
    return flat


def number(value: object) -> str:
    """A number as the page writes it; other values as text."""
    if value is None:
        return "undefined"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "\N{MINUS SIGN}", 1)
    return str(value)


def fixed(value: float | None) -> str:
    """The number of a claim, as its headline writes it."""
    return "undefined" if value is None else f"{value:.3f}".replace("-", "\N{MINUS SIGN}", 1)


def signed(value: float) -> str:
    """A margin: with its sign, also where it is positive."""
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}", 1)


FILTERS: dict[str, Callable[..., Any]] = {
    "anchor": anchor,
    "axis": axis,
    "baseline": baseline,
    "claim_line": claim_line,
    "comparisons": comparisons,
    "controls": controls,
    "facts": facts_of,
    "fixed": fixed,
    "is_asked_for": is_asked_for,
    "number": number,
    "numbers": numbers,
    "pictures": pictures,
    "provenance_rows": provenance_rows,
    "readings": readings,
    "signed": signed,
    "summaries": summaries,
    "waiting": waiting,
    "words": words,
    "worst": worst,
    "worst_of": worst_of,
}
