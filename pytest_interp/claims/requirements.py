"""The common core of claims about effects: what must hold in which cells, and does it?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, ParamSpec

import numpy as np

from pytest_interp.claims.evidence import Column, Evidence
from pytest_interp.claims.map_controls import random_regions, whole_state
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.verdict import Estimate, Status, Verdict, conclude
from pytest_interp.results.control import Control
from pytest_interp.stats import mean_intervals

Sense = Literal["at least", "at most", "within"]
P = ParamSpec("P")
REACH = 2
"""Layers that a table shows on each side of an edge."""
WIDEST = 14
"""Characters of the head of a column."""


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


class Cell(NamedTuple):
    """One cell that a requirement speaks of."""

    layer: int
    column: str
    mean: Estimate
    claimed: str
    limit: float
    margin: float
    """Distance of the deciding bound from the limit; negative on the wrong side."""
    false: bool
    """Whether the whole interval lies on the wrong side."""

    def __str__(self) -> str:
        return f"{self.mean.where}: {self.mean}, claimed {self.claimed}: off by {-self.margin:.3f}"


def undecided(
    claim: str,
    evidence: Evidence,
    terms: Terms,
    limit: float,
    reads: Iterable[tuple[Column, Sequence[int]]],
) -> Verdict:
    """The inconclusive verdict that a claim begins with.

    Its sentence says why the evidence can decide nothing: the model knows too few of the facts;
    or a cell that the claim reads, given as columns and their layers, is not there or not finite.
    The sentence is empty where the numbers decide.
    """
    asked, known, one = evidence.asked, evidence.traces, evidence.any_trace
    verdict = Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=len(known),
        n_clusters=len(set(evidence.clusters)),
        threshold=limit,
        confidence=terms.confidence if len(known) > 1 else None,
        direction=one.direction,
        metric=one.metric,
        corruption=one.corruption,
        controls=evidence.controls,
        n_left_out=len(asked) - len(known),
    )
    if not known or len(known) < terms.min_known * len(asked):
        first, *more = evidence.reasons
        return replace(
            verdict,
            sentence=f"The model knows {len(known)} of {len(asked)} facts; at least "
            f"{terms.min_known:.0%} are needed. Left out: {first}.",
            n_prompts=len(asked),
            n_clusters=len(set(asked.templates)),
            details="\n".join(_listed("left out as well", more, 2)),
        )
    undefined = list(dict.fromkeys(_undefined(evidence, reads)))
    if undefined:
        return replace(
            verdict,
            sentence=f"Undefined is not zero, and {undefined[0]}.",
            details="\n".join(f"  {text}" for text in undefined[1:4]),
        )
    return verdict


def _undefined(evidence: Evidence, reads: Iterable[tuple[Column, Sequence[int]]]) -> Iterator[str]:
    for c, layers in reads:
        if not c.members:
            yield f"no fact has a token at {c.name}"
        at = [evidence.layers.index(layer) for layer in layers]
        for fact, i in np.argwhere(~np.isfinite(c.effect[:, at])):
            prompt = evidence.traces[c.members[fact]].fact.clean_prompt
            yield f"layer {layers[i]}, {c.name} is {c.effect[fact, at[i]]} in {prompt!r}"


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
        evidence: the traces, sorted by :func:`~pytest_interp.claims.gather`.
        requirements: what must hold; the first one's limit is the claim's threshold until a cell
            decides.
        terms: what the claim was asked with.
        region: a column and the layers in which it carries the fact; compared with random
            regions of the same size. None for claims that name no region of high effect.
        others: further columns of the map, for that comparison and for the table.
    """
    columns = list(dict.fromkeys([*(r.column for r in requirements), *others]))
    reads: list[tuple[Column, Sequence[int]]] = [(r.column, r.layers) for r in requirements]
    if region is not None:  # it is compared with the whole map
        reads.extend((c, evidence.layers) for c in columns)
    verdict = undecided(claim, evidence, terms, requirements[0].limit, reads)
    if verdict.sentence:
        return verdict
    cells = [cell for required in requirements for cell in _cells(evidence, required, terms)]
    # not "margin < 0", which an undefined margin is not either
    broken = [cell for cell in cells if not cell.margin >= 0]
    # where one is false, that one decides, and not one that is further off but undecided
    tightest = min([c for c in broken if c.false] or cells, key=lambda cell: cell.margin)
    controls = [*evidence.controls, *whole_state(evidence)]
    # one prompt has no others to share a place with
    if region is not None and len(evidence.traces) > 1:
        controls.append(random_regions(evidence, region, columns, terms.seed))
    status, sentence = _outcome(cells, broken, controls)
    around = [cell.layer for cell in broken[:1]] + _edges(evidence.layers, requirements)
    table = _table(evidence.layers, columns, broken, around)
    return replace(
        verdict,
        status=status,
        sentence=sentence,
        effect=tightest.mean,
        threshold=tightest.limit,
        margin=tightest.margin,
        claimed=tightest.claimed,
        controls=tuple(controls),
        details="\n".join([*_listed("cells that break the claim", broken, 4, " cells"), *table]),
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
    c, layers, limit = requirement.column, requirement.layers, requirement.limit
    if not layers:
        return
    effect = c.effect[:, [evidence.layers.index(layer) for layer in layers]]
    found = mean_intervals(effect, c.clusters, terms.confidence, seed=terms.seed)
    values = np.stack([found.mean, found.low, found.high], axis=1).tolist()
    for layer, (mean, low, high) in zip(layers, values, strict=True):
        claimed = f"{requirement.sense} {limit:.2f}"
        # distances of the two bounds from the limit, the worse one first
        if requirement.sense == "at least":
            worse, better = low - limit, high - limit
        elif requirement.sense == "at most":
            worse, better = limit - high, limit - low
        else:
            worse, better = limit - max(high, -low), limit - max(low, -high)
            claimed = f"-{limit:.2f} to {limit:.2f}"
        estimate = Estimate(mean, low, high, f"layer {layer}, {c.name}")
        yield Cell(layer, c.name, estimate, claimed, limit, worse, better < 0)


def _listed(title: str, lines: Sequence[object], most: int, what: str = "") -> list[str]:
    """The first lines under a title, and how many more there are; nothing for no lines."""
    shown = [f"  {title}:", *(f"    {line}" for line in lines[:most])] if lines else []
    hidden = len(lines) - most
    return [*shown, f"    ... and {hidden} more{what}"] if hidden > 0 else shown


def _outcome(
    cells: Sequence[Cell], broken: Sequence[Cell], controls: Sequence[Control]
) -> tuple[Status, str]:
    n, false = len(cells), [cell for cell in broken if cell.false]
    wrong = [control.name for control in controls if not control.holds]
    if false:
        return Status.FAILED, f"False in {len(false)} of {n} cells."
    if broken:
        said = f"In {len(broken)} of {n} cells the interval crosses the limit: use more facts, or "
        return Status.INCONCLUSIVE, f"{said}claim less."
    if wrong:
        said = f"All {n} cells hold, but a control does not: {', '.join(wrong)}."
        return Status.INCONCLUSIVE, said
    return Status.PASSED, f"Holds in all {n} cells."


def _table(
    layers: Sequence[int], columns: Sequence[Column], broken: Sequence[Cell], around: Sequence[int]
) -> list[str]:
    """Mean effects near some layers: layers down, columns across; ``*`` marks broken cells."""
    wanted = [layers.index(layer) for layer in around]
    marked = {(cell.layer, cell.column) for cell in broken}
    names = [c.name if len(c.name) <= WIDEST else f"{c.name[: WIDEST - 2]}.." for c in columns]
    heads = [name.rjust(7) for name in names]
    lines = ["  effect by layer (* breaks the claim):", f"    layer  {'  '.join(heads)}"]
    previous = None
    for i, layer in enumerate(layers):
        if any(abs(i - j) <= REACH for j in wanted):
            if previous not in (None, i - 1):
                lines.append("      ...")
            previous = i
            cells = [
                f"{c.effect[:, i].mean():.3f}{'*' if (layer, c.name) in marked else ' '}".rjust(n)
                for c, n in zip(columns, map(len, heads), strict=True)
            ]
            lines.append(f"    {layer:>5}  {'  '.join(cells)}".rstrip())
    return lines


def _edges(layers: Sequence[int], requirements: Sequence[Requirement]) -> list[int]:
    """Layers at which a requirement begins or ends, the ends of the map left out."""
    named = [r.layers for r in requirements if r.sense != "at most" and r.layers]
    found = [layer for span in named for layer in (span[0], span[-1])]
    return [layer for layer in found if layer not in (layers[0], layers[-1])] or found[:2]
