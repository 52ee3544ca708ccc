"""One run of specs as data. Whatever shows a run is made from this, and the JSON report is this.

Numbers that JSON lacks (NaN, infinities) are None. Nothing here imports more than the standard
library: pytest's processes make these records, and one of them shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

SCHEMA = 1
"""Version of the layout."""

Outcome = Literal[
    "error", "failed", "unfinished", "inconclusive", "xpassed", "passed", "xfailed", "skipped"
]
"""What became of a test, worst first. ``error``: it broke outside of a claim or a comparison, or
its file could not be collected. ``unfinished``: the run ended before it did."""
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
State = Literal[
    "unreadable", "changed", "new", "unchecked", "not judged", "written", "within", "same"
]
"""A result against its baseline, what most needs a look first: damaged; out of tolerance, or the
figure looks different; nothing was saved; not compared in this run; of a checkpoint that has no
baseline of its own, and not as that of the model; saved by this run; moved within tolerance;
equal."""
STATES: Final[tuple[State, ...]] = get_args(State)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The number that decides a claim, with its confidence interval."""

    value: float | None
    low: float | None
    high: float | None
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class ControlRecord:
    """One control of a claim."""

    text: str
    """The control in words, with its value and bound."""
    holds: bool | None
    """None where it could not be decided."""


@dataclass(frozen=True, kw_only=True)
class ClaimRecord:
    """One verdict of a test."""

    claim: str
    """The claim in plain words."""
    status: Literal["passed", "failed", "inconclusive"]
    headline: str
    sentence: str
    """The outcome in plain words."""
    scope: str
    """How far it reaches, as ``n = 37 from 1 template``."""
    n: int
    effect: Interval | None = None
    claimed: str = ""
    """What the deciding number is claimed to be, as ``at least 0.80``."""
    threshold: float | None = None
    margin: float | None = None
    """How far the deciding bound is on the right side of the threshold; negative on the wrong."""
    confidence: float | None = None
    controls: tuple[ControlRecord, ...] = ()
    details: str = ""
    """Broken cells and the map around them."""
    verdict: Mapping[str, Any] = field(default_factory=dict)
    """The whole verdict, as ``Verdict.to_json`` gives it."""


@dataclass(frozen=True, kw_only=True)
class FigureFile:
    """A figure as a picture."""

    media: Literal["image/png", "image/svg+xml", "application/pdf"]
    data: str
    """The file's bytes in base64."""


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """One value that is not what was saved."""

    path: str
    """Where it stands, in words: ``recovery at layer 7, token ' is' (4)``."""
    text: str
    """The change in words."""
    old: Any = None
    new: Any = None
    excess: float | None = None
    """The move in units of its tolerance; None for what compares exactly."""
    within_noise: bool = False
    keys: tuple[str | int, ...] = ()
    """Keys and indices that lead to it in the JSON of the result."""


@dataclass(frozen=True, kw_only=True)
class BaselineRecord:
    """What one comparison with a baseline found."""

    file: str
    """The numbers of the entry, below rootdir."""
    name: str | None
    """What tells several results of one test apart."""
    state: State
    changes: tuple[ChangeRecord, ...] = ()
    provenance: tuple[str, ...] = ()
    """How the two came about differently, a line each."""
    figure_problem: str = ""
    old_figure: FigureFile | None = None
    pending: str | None = None
    """The id under which the new entry waits for a review."""


@dataclass(frozen=True, kw_only=True)
class ReadingRecord:
    """One of the few numbers by which people know a result."""

    name: str
    value: int | float | None
    """A whole number is a place, as a layer; others are sizes."""
    unit: str = ""
    says: str = ""
    """What is so where the value is above 0, as ``prefers ' Paris' to ' Tokyo'``."""


@dataclass(frozen=True, kw_only=True)
class ShownRecord:
    """What people see of a number: ``start + factor * number``."""

    name: str
    start: float
    factor: float


@dataclass(frozen=True, kw_only=True)
class ResultRecord:
    """One result that a test measured."""

    kind: str
    """The name of its class, as ``TraceResult``."""
    summary: str
    result: Mapping[str, Any]
    """Its numbers and findings, as ``Result.to_json`` gives them."""
    axes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """For fields that are arrays, what each dimension counts: its name, and the field of labels."""
    shown: Mapping[str, ShownRecord] = field(default_factory=dict)
    """As ``Result.shown`` gives it: for fields of which the figure shows something else."""
    readings: tuple[ReadingRecord, ...] = ()
    """As ``Result.readings`` gives them."""
    shared: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """What facts share, as ``Result.shared`` gives it; names of one fact sorted."""
    provenance: Mapping[str, Any] | None = None
    figure: FigureFile | None = None
    figure_problem: str = ""
    """Why it has none, where drawing it failed."""
    baseline: BaselineRecord | None = None
    """None where it was not compared with one."""
    texts: str = ""
    """Lines beside the numbers, of which no baseline keeps anything, as ``Result.texts``."""


@dataclass(frozen=True, kw_only=True)
class TestRecord:
    """What one test of a run did."""

    __test__ = False  # pytest would collect a class of this name

    id: str
    """Its node id."""
    spec: str
    """The file, below rootdir."""
    line: int | None
    name: str
    """Without file, model and backend: equal for the cases of one test."""
    about: str
    """The first paragraph of its docstring."""
    model: str | None
    backend: str | None
    checkpoint: str | None
    """What stood in for the model."""
    outcome: Outcome
    message: str
    """Why it failed or was skipped; empty where it passed."""
    seconds: float
    command: str
    """What runs this test alone again."""
    claims: tuple[ClaimRecord, ...] = ()
    results: tuple[ResultRecord, ...] = ()
    about_spec: str = ""
    """The first paragraph of the docstring of its module."""

    @property
    def title(self) -> str:
        """Its name as words: ``Paris comes last (France)``."""
        name, bracket, case = self.name.partition("[")
        words = re.sub(r"^test_+", "", name).replace("_", " ").strip() or name
        return f"{words[:1].upper()}{words[1:]}{f' ({case[:-1]})' if bracket else ''}"

    @property
    def says(self) -> str:
        """What it claims by plain asserts: the words of its author, or else its name."""
        return self.about or self.title


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run of specs."""

    time: str
    """When it began, in UTC, as ISO 8601."""
    seconds: float
    command: str
    exit_status: int
    rootdir: str
    """The name of the folder, not where it lies."""
    versions: Mapping[str, str]
    git_sha: str | None
    git_dirty: bool | None
    python: str
    platform: str
    tests: tuple[TestRecord, ...]
    stand_ins: tuple[str, ...] = ()
    """Lines on the checkpoints that stood in for models: in which tensors each differs."""
    schema: int = SCHEMA

    @property
    def broke_off(self) -> str:
        """What a reader of a run has to know that did not come to its end; else empty."""
        return _ENDS.get(self.exit_status, "")


_ENDS: Final = {
    2: "The run was interrupted, or stopped at an error: claims may be missing.",
    3: "pytest itself broke: claims may be missing.",
}
"""By exit status of pytest."""
