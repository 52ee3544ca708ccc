"""The common core of claims about effects: what must hold in which cells, and does it?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pytest_interp.claims.cells import Cell, judge, listed, table
from pytest_interp.claims.evidence import Column, Evidence, place_of
from pytest_interp.claims.map_controls import random_regions, whole_state
from pytest_interp.claims.measured import measure
from pytest_interp.claims.outcomes import broken_of, decided, too_few_known
from pytest_interp.claims.places import runs
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.unread import P, checking
from pytest_interp.claims.verdict import Status, Verdict, conclude
from pytest_interp.results.claimed import ClaimedRange, Sense
from pytest_interp.results.samples import Scope


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
        **evidence.scope.counts,
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
            sentence=too_few_known(len(known), len(asked), terms.min_known, first),
            **Scope.of(asked, range(len(asked))).counts,
            details="\n".join(listed("left out as well", more, 2)),
        )
    if few := evidence.scope.too_few():
        return replace(verdict, sentence=f"There is no interval: {few}.")
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


@checking
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
    limit, a control does not hold, a number is not finite, the model knows too few of the facts, or
    a single one of several facts has a token there.

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
    verdict = replace(
        undecided(claim, evidence, terms, requirements[0].limit, reads),
        ranges=tuple(one for required in requirements for one in _ranges(evidence, required)),
    )
    if verdict.sentence:
        return verdict
    thin = {
        r.column: few for r in requirements if r.layers and (few := _too_few(evidence, r.column))
    }
    weighed = [required for required in requirements if required.column not in thin]
    cells = [cell for required in weighed for cell in _cells(evidence, required, terms)]
    # what is false is false, whatever nothing can be said of
    if thin and not any(cell.false for cell in cells):
        return replace(verdict, sentence=next(iter(thin.values())))
    controls = [*evidence.controls, *whole_state(evidence)]
    # one prompt has no others to share a place with
    if region is not None and len(evidence.traces) > 1:
        controls.append(random_regions(evidence, region, columns, terms.seed))
    around = [cell.layer for cell in broken_of(cells)[:1] if cell.layer is not None]
    shown = table(evidence.layers, columns, cells, around + _edges(evidence.layers, requirements))
    return decided(verdict, cells, controls, terms.confidence, shown)


def asserting(check: Callable[P, Verdict]) -> Callable[P, Verdict]:
    """Turn a check into an assertion: same arguments, returns a passed verdict or raises.

    ``check_this`` becomes ``assert_this``. Reports hear of its verdict.
    """
    checked = checking(check)

    @functools.wraps(check)
    def assertion(*args: P.args, **kwargs: P.kwargs) -> Verdict:
        __tracebackhide__ = True  # pytest then shows the line of the spec
        return conclude(checked(*args, **kwargs))

    assertion.__name__ = assertion.__qualname__ = check.__name__.replace("check_", "assert_", 1)
    return assertion


def _ranges(evidence: Evidence, requirement: Requirement) -> Iterator[ClaimedRange]:
    """The layers of a requirement, in runs of traced layers."""
    c, layers = requirement.column, evidence.layers
    for run in runs([layers.index(layer) for layer in requirement.layers]):
        if run:
            limit = (requirement.sense, requirement.limit)
            yield ClaimedRange(c.name, layers[run[0]], layers[run[-1]], *limit, place_of(c))


def _too_few(evidence: Evidence, column: Column) -> str | None:
    """Why the facts that have this column are no sample of the set; None where they are."""
    few = evidence.scope.too_few(column.members)
    n, of = len(column.members), len(evidence.traces)
    return few and f"There is no interval at {column.name}, which {n} of {of} facts have: {few}."


def _cells(evidence: Evidence, requirement: Requirement, terms: Terms) -> Iterator[Cell]:
    """Each named cell: in the sample of facts, or in each template the one that is worst."""
    c, layers = requirement.column, requirement.layers
    if not layers:
        return
    effect = c.effect[:, [evidence.layers.index(layer) for layer in layers]]
    places = [f"layer {layer}, {c.name}" for layer in layers]
    rows = {member: row for row, member in enumerate(c.members)}
    by_sample = [
        measure(
            sample, effect[[rows[i] for i in sample.members]], places, terms.confidence, terms.seed
        )
        for sample in evidence.scope.samples(c.members)
    ]
    for layer, found in zip(layers, zip(*by_sample, strict=True), strict=True):
        judged = [judge(one, requirement.sense, requirement.limit, c.name, layer) for one in found]
        # one that is false decides, however far another is from being decided
        yield min(judged, key=lambda cell: (not cell.false, cell.margin))


def _edges(layers: Sequence[int], requirements: Sequence[Requirement]) -> list[int]:
    """Layers at which a requirement begins or ends, the ends of the map left out."""
    named = [r.layers for r in requirements if r.sense != "at most" and r.layers]
    found = [layer for span in named for layer in (span[0], span[-1])]
    return [layer for layer in found if layer not in (layers[0], layers[-1])] or found[:2]
