"""Two runs of the same specs, claim by claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pytest_interp.models.changes import TensorChanges
from pytest_interp.report.comparison.facts import LEAST, FactsCompared, compare_facts
from pytest_interp.report.comparison.readings import compare_readings
from pytest_interp.report.run import ClaimRecord, RunRecord, TestRecord

DRIFT = 0.1
"""A claim that holds drifts where its margin changed by more than this share of what it was, and by
more than noise: a small share of the numbers that it compares, as for the numbers of facts."""
Fate = Literal["breaks", "lost", "undecided", "drifts", "mended", "never held", "survives"]
FATES: tuple[Fate, ...] = (
    "breaks",
    "lost",
    "undecided",
    "drifts",
    "mended",
    "never held",
    "survives",
)
"""The worst first. ``lost``: it held, and was not reached or not measured on the other side."""
_UNMEASURED = ("skipped", "unfinished")
"""Outcomes of tests that say nothing of their claims."""


@dataclass(frozen=True, kw_only=True)
class ClaimPair:
    """One claim on both sides."""

    spec: str
    test: str
    backends: tuple[str, ...]
    """Those on which it came to the same; the numbers are those of the first."""
    claim: str
    fate: Fate
    before: ClaimRecord | None
    """None where it was not reached."""
    after: ClaimRecord | None
    readings: tuple[str, ...] = ()
    """What the results of the test say of both sides, in words."""
    reason: str = ""
    """Why it was not reached on the other side."""


@dataclass(frozen=True, kw_only=True)
class ResultPair:
    """One result on both sides."""

    spec: str
    test: str
    backend: str | None
    summary_before: str
    summary_after: str
    readings: tuple[str, ...]
    facts: FactsCompared | None
    changed: int
    """Values that are not the same, of how many."""
    total: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The same specs on two checkpoints."""

    before: str
    """The names of the checkpoints."""
    after: str
    claims: tuple[ClaimPair, ...]
    """The worst first."""
    results: tuple[ResultPair, ...]
    skipped: Mapping[str, int]
    """Why tests did not run on a side, and how many."""
    tensors: TensorChanges | None = None
    """None where they could not be compared."""

    @property
    def counts(self) -> dict[Fate, int]:
        """How many claims came to what."""
        found = Counter(pair.fate for pair in self.claims)
        return {fate: found[fate] for fate in FATES if found[fate]}

    @property
    def is_worse(self) -> bool:
        """Whether a claim that held does not hold any more."""
        return any(pair.fate in ("breaks", "lost", "undecided") for pair in self.claims)


def compare_runs(
    before: RunRecord,
    after: RunRecord,
    names: tuple[str, str],
    tensors: TensorChanges | None = None,
) -> Comparison:
    """Pair the tests of two runs by their ids, their claims by their words."""
    sides = [{test.id: test for test in run.tests} for run in (before, after)]
    ids = [*dict.fromkeys([*sides[0], *sides[1]])]
    claims: list[ClaimPair] = []
    results: list[ResultPair] = []
    skipped: Counter[str] = Counter()
    for one in ids:
        old, new = (side.get(one) for side in sides)
        reasons = [test.message for test in (old, new) if test and test.outcome == "skipped"]
        if len(reasons) == 2:  # on neither side
            skipped[reasons[0]] += 1
            continue
        claims += _claims(old, new)
        results += _results(old, new)
    return Comparison(
        before=names[0],
        after=names[1],
        claims=tuple(_merged(claims)),
        results=tuple(results),
        skipped=dict(skipped.most_common()),
        tensors=tensors,
    )


def _claims(old: TestRecord | None, new: TestRecord | None) -> Iterator[ClaimPair]:
    test = old or new
    if test is None:
        return
    # of plain asserts, the test is a claim; on both sides where it is on one
    whole = any(map(asserts, (old, new)))
    sides = [named_claims(side, whole) for side in (old, new)]
    readings = tuple(dict.fromkeys(line for pair in _results(old, new) for line in pair.readings))
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        before, after = (side.get(key) for side in sides)
        yield ClaimPair(
            spec=test.spec,
            test=test.name,
            backends=(test.backend,) if test.backend else (),
            claim=key[0],
            fate=_fate(before, after),
            before=before,
            after=after,
            readings=readings,
            reason=_reason(new if after is None else old) if None in (before, after) else "",
        )


def asserts(test: TestRecord | None) -> bool:
    """Whether a test says something that none of its claims says."""
    if test is None or test.outcome in _UNMEASURED:
        return False
    is_failed = test.outcome in ("failed", "error")
    stated = _stated(test)
    return not stated or (is_failed and all(one.status == "passed" for one in stated))


def _stated(test: TestRecord) -> tuple[ClaimRecord, ...]:
    """Its claims without those that do not hold because the test asks for that.

    Such a test, as one of a control, says something by itself.
    """
    holds = test.outcome == "passed"
    return tuple(one for one in test.claims if one.status == "passed" or not holds)


def named_claims(test: TestRecord | None, whole: bool) -> dict[tuple[str, int], ClaimRecord]:
    """By their words, and their number among equal words."""
    if test is None or test.outcome in _UNMEASURED:
        return {}
    found: dict[tuple[str, int], ClaimRecord] = {}
    seen: Counter[str] = Counter()
    for claim in _stated(test):
        found[claim.claim, seen[claim.claim]] = claim
        seen[claim.claim] += 1
    if whole:
        found[test.says, 0] = _as_claim(test)
    return found


def _as_claim(test: TestRecord) -> ClaimRecord:
    """A test that states its claim by plain asserts."""
    held = test.outcome in ("passed", "xfailed")
    status: Literal["passed", "failed", "inconclusive"] = "passed" if held else "failed"
    status = "inconclusive" if test.outcome == "inconclusive" else status
    lines = [line.strip() for line in test.message.splitlines() if line.strip()]
    said = lines[0].removeprefix("AssertionError: ") if lines else "its asserts hold"
    headline = f"{status}: {said}"
    return ClaimRecord(
        claim=test.says, status=status, headline=headline, sentence=said, scope="", n=0
    )


def _fate(before: ClaimRecord | None, after: ClaimRecord | None) -> Fate:
    held = before is not None and before.status == "passed"
    if after is None:
        return "lost" if held else "never held"
    if after.status != "passed":
        if not held:
            return "never held"
        return "breaks" if after.status == "failed" else "undecided"
    if not held:
        return "mended"
    return "drifts" if before is not None and _drifted(before, after) else "survives"


def _drifted(before: ClaimRecord, after: ClaimRecord) -> bool:
    old, new = before.margin, after.margin
    if old is None or new is None:
        return old is not new
    value = before.effect.value if before.effect is not None else None
    noise = LEAST * max(abs(value or 0.0), abs(before.threshold or 0.0))
    return abs(new - old) > max(DRIFT * abs(old), noise)


def _reason(test: TestRecord | None) -> str:
    if test is None:
        return "the test did not run there"
    first = next((line.strip() for line in test.message.splitlines() if line.strip()), "")
    return f"{test.outcome}: {first}" if first else test.outcome


def _merged(pairs: Sequence[ClaimPair]) -> list[ClaimPair]:
    """Backends that came to the same as one; the worst first, and of these the least margin."""
    found: dict[object, ClaimPair] = {}
    for pair in pairs:
        key = (pair.spec, pair.test, pair.claim, pair.fate)
        first = found.get(key)
        if first is None or set(first.backends) & set(pair.backends):
            found[key if first is None else (key, len(found))] = pair
        else:
            found[key] = replace(first, backends=(*first.backends, *pair.backends))

    def badness(pair: ClaimPair) -> tuple[int, float]:
        margin = pair.after.margin if pair.after else None
        return FATES.index(pair.fate), 0.0 if margin is None else margin

    return sorted(found.values(), key=badness)


def _results(old: TestRecord | None, new: TestRecord | None) -> Iterator[ResultPair]:
    """By the order in which a test measured them."""
    if old is None or new is None:
        return
    for before, after in zip(old.results, new.results, strict=False):
        if before.kind != after.kind:
            return
        changed, total = _count(before.result, after.result)
        yield ResultPair(
            spec=old.spec,
            test=old.name,
            backend=old.backend,
            summary_before=before.summary,
            summary_after=after.summary,
            readings=compare_readings(before.readings, after.readings),
            facts=compare_facts(before, after),
            changed=changed,
            total=total,
        )


def _count(old: Any, new: Any) -> tuple[int, int]:
    """Values that differ, and all values of both."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        parts = [_count(old.get(key), new.get(key)) for key in {**old, **new}]
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        parts = [_count(a, b) for a, b in zip(old, new, strict=True)]
    else:
        return int(old != new), 1
    return sum(changed for changed, _ in parts), sum(total for _, total in parts)
