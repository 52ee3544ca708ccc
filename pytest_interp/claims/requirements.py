"""The common core of claims about effects: what must hold in which cells, and does it?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, ParamSpec, TypedDict

import numpy as np

from pytest_interp.claims.evidence import MIN_KNOWN, Column, Evidence
from pytest_interp.claims.tables import effect_table
from pytest_interp.claims.verdict import Estimate, Status, Verdict, conclude
from pytest_interp.controls import Control
from pytest_interp.stats import Intervals, mean_intervals, region_p_value, region_rank

Sense = Literal["at least", "at most", "within"]
P = ParamSpec("P")
SIGNIFICANT = 0.05


class Terms(TypedDict, total=False):
    """Settings that all claims about traces share."""

    confidence: float
    """Of the two-sided interval of each mean; 0.95."""
    min_gap: float | None
    """Least gap between clean and corrupt, in the metric's unit; 1 logit, or 0.1 probability."""
    min_known: float
    """Least share of the facts that the model must know; 0.8."""
    controls: Sequence[Control]
    """Control runs to be named in the verdict; one above its limit makes it inconclusive."""
    seed: int
    """Of resampling; 0."""


@dataclass(frozen=True)
class Requirement:
    """In these layers of a column, the mean effect keeps to one side of a limit.

    ``within`` means between ``-limit`` and ``limit``.
    """

    column: Column
    layers: tuple[int, ...]
    sense: Sense
    limit: float


@dataclass(frozen=True)
class Cell:
    """One cell that a requirement speaks of."""

    column: str
    layer: int
    mean: float
    low: float
    high: float
    sense: Sense
    limit: float

    @property
    def margin(self) -> float:
        """Distance of the deciding bound from the limit; negative on the wrong side."""
        if self.sense == "at least":
            return self.low - self.limit
        worst = self.high if self.sense == "at most" else max(self.high, -self.low)
        return self.limit - worst

    @property
    def false(self) -> bool:
        """Whether the whole interval lies on the wrong side."""
        if self.sense == "at least":
            return self.high < self.limit
        best = self.low if self.sense == "at most" else max(self.low, -self.high)
        return best > self.limit

    @property
    def where(self) -> str:
        """The cell in words."""
        return f"layer {self.layer}, {self.column}"

    def __str__(self) -> str:
        estimate = Estimate(self.mean, self.low, self.high)
        limit = (
            f"-{self.limit:.2f} to {self.limit:.2f}"
            if self.sense == "within"
            else (f"{self.sense} {self.limit:.2f}")
        )
        return f"{self.where}: {estimate}, claimed {limit}: off by {-self.margin:.3f}"


def unusable(claim: str, evidence: Evidence, min_known: float = MIN_KNOWN) -> Verdict | None:
    """The inconclusive verdict on facts that the model does not know, or None."""
    n_known = len(evidence.traces)
    if n_known and n_known >= min_known * evidence.n_asked:
        return None
    shown = [f"    {reason}" for reason in evidence.reasons[:3]]
    if len(evidence.reasons) > 3:
        shown.append(f"    ... and {len(evidence.reasons) - 3} more")
    return Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence=(
            f"The model knows {n_known} of {evidence.n_asked} facts; at least "
            f"{min_known:.0%} are needed. Ask for facts that it knows."
        ),
        n_prompts=evidence.n_asked,
        n_clusters=max(1, evidence.n_clusters),
        controls=evidence.controls,
        n_left_out=evidence.n_asked - n_known,
        details="\n".join(["  because:", *shown]),
    )


def decide(
    claim: str,
    evidence: Evidence,
    requirements: Sequence[Requirement],
    *,
    region: tuple[Column, tuple[int, ...]] | None = None,
    others: Sequence[Column] = (),
    confidence: float = 0.95,
    seed: int = 0,
) -> Verdict:
    """Compare the mean effect of every named cell with its limit.

    All cells must hold for the claim to pass, so testing each at full confidence keeps the error
    of the whole claim below that of one cell (an intersection-union test): no correction for
    their number is needed.

    Args:
        claim: in plain words.
        evidence: traces of known facts.
        requirements: what must hold.
        region: a column and the layers in which it carries the fact; compared with random
            regions of the same size. None for claims that name no region of high effect.
        others: further columns of the map, for that comparison and for the table.
        confidence: of the intervals.
        seed: of resampling.
    """
    columns = list(dict.fromkeys([*(r.column for r in requirements), *others]))
    intervals = {
        id(c): mean_intervals(c.effect, c.clusters, confidence, seed=seed) for c in columns
    }
    cells = [cell for r in requirements for cell in _cells(evidence, r, intervals[id(r.column)])]
    broken = [cell for cell in cells if cell.margin < 0]
    tightest = min(cells, key=lambda cell: cell.margin)
    controls = [*evidence.controls, *_whole_state(evidence)]
    # one prompt has no others to share a place with
    if region is not None and len(evidence.traces) > 1:
        controls.append(_random_regions(evidence, region, columns, seed))
    status, sentence = _outcome(cells, broken, controls)
    one = evidence.any_trace
    table = effect_table(
        evidence.layers,
        [(c.name, intervals[id(c)].mean) for c in columns],
        {(cell.layer, cell.column) for cell in broken},
        around=[cell.layer for cell in broken[:1]] + _edges(evidence.layers, requirements),
    )
    details = [f"    {cell}" for cell in broken[:4]]
    if len(broken) > 4:
        details.append(f"    ... and {len(broken) - 4} more cells")
    if broken:
        details = ["  cells that break the claim:", *details]
    return Verdict(
        claim=claim,
        status=status,
        sentence=sentence,
        n_prompts=len(evidence.traces),
        n_clusters=evidence.n_clusters,
        effect=Estimate(tightest.mean, tightest.low, tightest.high, tightest.where),
        threshold=tightest.limit,
        margin=tightest.margin,
        confidence=confidence if len(evidence.traces) > 1 else None,
        direction=one.direction,
        metric=one.metric,
        corruption=one.corruption,
        controls=tuple(controls),
        n_left_out=evidence.n_asked - len(evidence.traces),
        details="\n".join([*details, table]),
    )


def asserting(check: Callable[P, Verdict]) -> Callable[P, Verdict]:
    """Turn a check into an assertion: same arguments, returns a passed verdict or raises."""

    @functools.wraps(check)
    def assertion(*args: P.args, **kwargs: P.kwargs) -> Verdict:
        __tracebackhide__ = True  # pytest then shows the line of the spec
        return conclude(check(*args, **kwargs))

    assertion.__name__ = assertion.__qualname__ = check.__name__.replace("check_", "assert_", 1)
    return assertion


def _cells(evidence: Evidence, requirement: Requirement, found: Intervals) -> Iterator[Cell]:
    for layer in requirement.layers:
        i = evidence.layers.index(layer)
        yield Cell(
            requirement.column.name,
            layer,
            float(found.mean[i]),
            float(found.low[i]),
            float(found.high[i]),
            requirement.sense,
            requirement.limit,
        )


def _outcome(
    cells: Sequence[Cell], broken: Sequence[Cell], controls: Sequence[Control]
) -> tuple[Status, str]:
    false = [cell for cell in broken if cell.false]
    if false:
        return Status.FAILED, f"False in {len(false)} of {len(cells)} cells."
    if broken:
        return Status.INCONCLUSIVE, (
            f"In {len(broken)} of {len(cells)} cells the interval crosses the limit: use more "
            "facts, or claim less."
        )
    silent = [control.name for control in controls if not control.holds]
    if silent:
        return Status.INCONCLUSIVE, (
            f"All {len(cells)} cells hold, but a control does not: {', '.join(silent)}."
        )
    return Status.PASSED, f"Holds in all {len(cells)} cells."


def _whole_state(evidence: Evidence) -> Iterator[Control]:
    """Patching all that the logits are computed from must move the whole gap."""
    one = evidence.any_trace
    if one.site != "resid_post" or one.n_layers is None or evidence.layers[-1] != one.n_layers - 1:
        return
    off = max(abs(float(trace.effect[-1, -1]) - 1) for trace in evidence.traces)
    yield Control(
        "whole state", off, 0.05, "1 minus the effect of the last token after the last layer"
    )


def _random_regions(
    evidence: Evidence,
    region: tuple[Column, tuple[int, ...]],
    columns: Sequence[Column],
    seed: int,
) -> Control:
    n, layers = len(evidence.traces), evidence.layers
    maps = np.full((n, len(layers), len(columns)), np.nan)
    for i, c in enumerate(columns):
        maps[list(c.members), :, i] = c.effect
    inside = [layers.index(layer) for layer in region[1]]
    place = list(columns).index(region[0])
    p = region_p_value(maps, inside, place, seed=seed)
    rank, searched = region_rank(maps, inside, place)
    note = (
        f"null: each fact has a place of its own; corrected for {searched} regions of this size, "
        f"of which this one ranks {rank}"
    )
    return Control("random regions, p-value", p, SIGNIFICANT, note)


def _edges(layers: Sequence[int], requirements: Sequence[Requirement]) -> list[int]:
    """Layers at which a requirement begins or ends, the ends of the map left out."""
    named = [r.layers for r in requirements if r.sense != "at most" and r.layers]
    found = [layer for span in named for layer in (span[0], span[-1])]
    return [layer for layer in found if layer not in (layers[0], layers[-1])] or found[:2]
