"""The common core of claims about effects: what must hold in which cells, and does it?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, ParamSpec

import numpy as np

from pytest_interp.claims.evidence import Column, Evidence
from pytest_interp.claims.map_controls import random_regions, whole_state
from pytest_interp.claims.tables import effect_table
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.verdict import Estimate, Status, Verdict, conclude
from pytest_interp.results.control import Control
from pytest_interp.stats import mean_intervals

Sense = Literal["at least", "at most", "within"]
P = ParamSpec("P")


@dataclass(frozen=True)
class Requirement:
    """In these layers of a column, the mean over facts keeps to one side of a limit."""

    column: Column
    layers: tuple[int, ...]
    """By their own numbers, all of them traced: :func:`~pytest_interp.claims.layer_span`."""
    sense: Sense
    """``at least``, ``at most``, or ``within``: between ``-limit`` and ``limit``."""
    limit: float
    """In the unit of the column; for effects a share of the gap."""


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


def undecided(
    claim: str,
    evidence: Evidence,
    terms: Terms,
    limit: float,
    reads: Iterable[tuple[Column, Sequence[int]]],
) -> Verdict | None:
    """The inconclusive verdict on evidence that can decide nothing, or None.

    The model does not know enough of the facts; or cells that the claim reads, given as columns
    and their layers, are not there or not finite.
    """
    n_asked, n_known = len(evidence.asked), len(evidence.traces)
    if not n_known or n_known < terms.min_known * n_asked:
        first, *more = evidence.reasons
        shown = [f"    {reason}" for reason in more[:2]]
        if len(more) > 2:
            shown.append(f"    ... and {len(more) - 2} more")
        return replace(
            verdict_of(
                claim,
                evidence,
                terms,
                Status.INCONCLUSIVE,
                f"The model knows {n_known} of {n_asked} facts; at least "
                f"{terms.min_known:.0%} are needed. Left out: {first}.",
                threshold=limit,
                details="\n".join(["  left out as well:", *shown] if shown else []),
            ),
            n_prompts=n_asked,
            n_clusters=len(set(evidence.asked.templates)),
        )
    undefined = list(dict.fromkeys(_undefined(evidence, reads)))
    if undefined:
        return verdict_of(
            claim,
            evidence,
            terms,
            Status.INCONCLUSIVE,
            f"Undefined is not zero, and {undefined[0]}.",
            threshold=limit,
            details="\n".join(f"  {text}" for text in undefined[1:4]),
        )
    return None


def _undefined(evidence: Evidence, reads: Iterable[tuple[Column, Sequence[int]]]) -> Iterator[str]:
    for c, layers in reads:
        if not c.members:
            yield f"no fact has a token at {c.name}"
        at = [evidence.layers.index(layer) for layer in layers]
        for fact, i in np.argwhere(~np.isfinite(c.effect[:, at])):
            prompt = evidence.traces[c.members[fact]].fact.clean_prompt
            yield f"layer {layers[i]}, {c.name} is {c.effect[fact, at[i]]} in {prompt!r}"


def verdict_of(
    claim: str,
    evidence: Evidence,
    terms: Terms,
    status: Status,
    sentence: str,
    *,
    threshold: float | None = None,
    details: str = "",
) -> Verdict:
    """A verdict with everything that is known before any number decides."""
    one, n = evidence.any_trace, len(evidence.traces)
    return Verdict(
        claim=claim,
        status=status,
        sentence=sentence,
        n_prompts=n,
        n_clusters=len(set(evidence.clusters)),
        threshold=threshold,
        confidence=terms.confidence if n > 1 else None,
        direction=one.direction,
        metric=one.metric,
        corruption=one.corruption,
        controls=evidence.controls,
        n_left_out=len(evidence.asked) - n,
        details=details,
    )


def decide(
    claim: str,
    evidence: Evidence,
    requirements: Sequence[Requirement],
    terms: Terms,
    *,
    region: tuple[Column, tuple[int, ...]] | None = None,
    others: Sequence[Column] = (),
) -> Verdict:
    """Compare the mean effect of every named cell with its limit.

    The claim passes where the whole interval of each mean is on the right side of its limit, and
    fails where one lies wholly on the wrong side. It is inconclusive where an interval crosses its
    limit, a control does not hold, a number is not finite, or the model knows too few of the facts.

    All cells must hold for the claim to pass, so testing each at full confidence keeps the error
    of the whole claim below that of one cell (an intersection-union test): no correction for
    their number is needed.

    Args:
        claim: in plain words.
        evidence: the traces, sorted.
        requirements: what must hold; the first one's limit is the claim's threshold until a cell
            decides.
        terms: the terms of the claim.
        region: a column and the layers in which it carries the fact; compared with random
            regions of the same size. None for claims that name no region of high effect.
        others: further columns of the map, for that comparison and for the table.
    """
    columns = list(dict.fromkeys([*(r.column for r in requirements), *others]))
    reads: list[tuple[Column, Sequence[int]]] = [(r.column, r.layers) for r in requirements]
    if region is not None:  # it is compared with the whole map
        reads.extend((c, evidence.layers) for c in columns)
    refused = undecided(claim, evidence, terms, requirements[0].limit, reads)
    if refused is not None:
        return refused
    cells = [cell for required in requirements for cell in _cells(evidence, required, terms)]
    # not "margin < 0", which an undefined margin is not either
    broken = [cell for cell in cells if not cell.margin >= 0]
    tightest = min(cells, key=lambda cell: cell.margin)
    controls = [*evidence.controls, *whole_state(evidence)]
    # one prompt has no others to share a place with
    if region is not None and len(evidence.traces) > 1:
        controls.append(random_regions(evidence, region, columns, terms.seed))
    status, sentence = _outcome(cells, broken, controls)
    table = effect_table(
        evidence.layers,
        [(c.name, c.effect.mean(axis=0)) for c in columns],
        {(cell.layer, cell.column) for cell in broken},
        around=[cell.layer for cell in broken[:1]] + _edges(evidence.layers, requirements),
    )
    details = [f"    {cell}" for cell in broken[:4]]
    if len(broken) > 4:
        details.append(f"    ... and {len(broken) - 4} more cells")
    if broken:
        details = ["  cells that break the claim:", *details]
    return replace(
        verdict_of(claim, evidence, terms, status, sentence, threshold=tightest.limit),
        effect=Estimate(tightest.mean, tightest.low, tightest.high, tightest.where),
        margin=tightest.margin,
        controls=tuple(controls),
        details="\n".join([*details, table]),
    )


def asserting(check: Callable[P, Verdict]) -> Callable[P, Verdict]:
    """Turn a check into an assertion: same arguments, returns a passed verdict or raises.

    ``check_this`` becomes ``assert_this``. Reports hear of its verdict.
    """

    @functools.wraps(check)
    def assertion(*args: P.args, **kwargs: P.kwargs) -> Verdict:
        __tracebackhide__ = True  # pytest then shows the line of the spec
        return conclude(check(*args, **kwargs))

    assertion.__name__ = assertion.__qualname__ = check.__name__.replace("check_", "assert_", 1)
    return assertion


def _cells(evidence: Evidence, requirement: Requirement, terms: Terms) -> Iterator[Cell]:
    c, layers = requirement.column, requirement.layers
    if not layers:
        return
    effect = c.effect[:, [evidence.layers.index(layer) for layer in layers]]
    found = mean_intervals(effect, c.clusters, terms.confidence, seed=terms.seed)
    for i, layer in enumerate(layers):
        yield Cell(
            c.name,
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


def _edges(layers: Sequence[int], requirements: Sequence[Requirement]) -> list[int]:
    """Layers at which a requirement begins or ends, the ends of the map left out."""
    named = [r.layers for r in requirements if r.sense != "at most" and r.layers]
    found = [layer for span in named for layer in (span[0], span[-1])]
    return [layer for layer in found if layer not in (layers[0], layers[-1])] or found[:2]
