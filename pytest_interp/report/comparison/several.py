"""A claim over several checkpoints, as those of a training run: a line for each claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_interp.report.comparison.pairs import asserts, named_claims
from pytest_interp.report.run import RunRecord, TestRecord


@dataclass(frozen=True, kw_only=True)
class Point:
    """A claim on one checkpoint."""

    status: str | None
    """None where it was not reached."""
    margin: float | None


@dataclass(frozen=True, kw_only=True)
class ClaimLine:
    """A claim over the checkpoints."""

    spec: str
    test: str
    backends: tuple[str, ...]
    claim: str
    points: tuple[Point, ...]
    """In the order of the checkpoints."""

    @property
    def change(self) -> int | None:
        """The index of the first checkpoint on which it came to another outcome than before."""
        statuses = [point.status for point in self.points]
        return next((i for i in range(1, len(statuses)) if statuses[i] != statuses[i - 1]), None)


def claim_lines(runs: Sequence[RunRecord]) -> list[ClaimLine]:
    """Every claim over these runs; those whose outcome changed first, the earliest first."""
    sides = [{test.id: test for test in run.tests} for run in runs]
    merged: dict[object, ClaimLine] = {}
    for one in dict.fromkeys(key for side in sides for key in side):
        for line in _lines([side.get(one) for side in sides]):
            outcomes = tuple(point.status for point in line.points)
            key = (line.spec, line.test, line.claim, outcomes)
            known = merged.get(key)
            if known is None or set(known.backends) & set(line.backends):
                merged[key if known is None else (key, len(merged))] = line
            else:
                merged[key] = replace(known, backends=(*known.backends, *line.backends))
    return sorted(
        merged.values(), key=lambda line: len(runs) if line.change is None else line.change
    )


def _lines(tests: Sequence[TestRecord | None]) -> Iterator[ClaimLine]:
    test = next(one for one in tests if one is not None)
    whole = any(map(asserts, tests))
    found = [named_claims(one, whole) for one in tests]
    for key in dict.fromkeys(key for side in found for key in side):
        claims = [side.get(key) for side in found]
        yield ClaimLine(
            spec=test.spec,
            test=test.name,
            backends=(test.backend,) if test.backend else (),
            claim=key[0],
            points=tuple(
                Point(
                    status=None if claim is None else claim.status,
                    margin=None if claim is None else claim.margin,
                )
                for claim in claims
            ),
        )


_SIGNS = {"passed": "holds", "failed": "fails", "inconclusive": "open", None: "-"}


def as_table(names: Sequence[str], lines: Sequence[ClaimLine]) -> list[list[str]]:
    """Rows for a terminal: a claim each, its outcome and margin on every checkpoint."""
    heads = ["claim", *names]
    rows = []
    for line in lines:
        cells = [
            _SIGNS[point.status] + ("" if point.margin is None else f" {point.margin:+.2f}")
            for point in line.points
        ]
        backends = f" ({', '.join(line.backends)})" if line.backends else ""
        rows.append([f"{line.test}{backends}", *cells])
    return [heads, *rows]
