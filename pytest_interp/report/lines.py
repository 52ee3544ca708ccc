"""The claims of a run, a line each: the cases of one test under several backends together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, Literal

from pytest_interp.report.run import OUTCOMES, STATES, ClaimRecord, RunRecord, State, TestRecord

Word = Literal[
    "error",
    "failed",
    "unfinished",
    "inconclusive",
    "xpassed",
    "expected",
    "passed",
    "xfailed",
    "skipped",
]
"""What a line says of a claim. ``expected``: it is false, and its test passed all the same."""
_PASSED: Final = OUTCOMES.index("passed")
WORST_FIRST: Final[tuple[Word, ...]] = (*OUTCOMES[:_PASSED], "expected", *OUTCOMES[_PASSED:])
BAD: Final[tuple[Word, ...]] = WORST_FIRST[: WORST_FIRST.index("xpassed")]
"""What a reader has to look at."""


@dataclass(frozen=True)
class Case:
    """One claim under one backend, or a test that made none."""

    test: TestRecord
    claim: ClaimRecord | None
    word: Word
    place: int = 0
    """The claim's place among those of its test."""


@dataclass(frozen=True)
class Line:
    """One claim on one model."""

    cases: tuple[Case, ...]
    """One for each backend, the worst first."""

    @property
    def worst(self) -> Case:
        """The case that the line is about: of two alike, the one with less margin."""
        return self.cases[0]

    @property
    def word(self) -> Word:
        return self.worst.word

    @property
    def words(self) -> Mapping[str | None, Word]:
        """For each backend, what came of the claim."""
        return {case.test.backend: case.word for case in self.cases}

    @property
    def state(self) -> State | None:
        """How its test's results stand to their baselines, the worst of them."""
        states = {r.baseline.state for c in self.cases for r in c.test.results if r.baseline}
        return min(states, key=STATES.index, default=None)

    @property
    def seconds(self) -> float:
        """What its test took, under all backends."""
        return sum(case.test.seconds for case in self.cases)

    @property
    def reason(self) -> str:
        """Why it is no pass, in one line."""
        claim, message = self.worst.claim, self.worst.test.message
        if claim is not None:
            return claim.headline.partition(": ")[2]
        return message.strip().partition("\n")[0]


def lines_of(run: RunRecord) -> list[Line]:
    """All lines of a run, the worst first, then in the order of the files."""
    groups: dict[tuple[str, str, str | None], list[TestRecord]] = {}
    for test in run.tests:
        groups.setdefault((test.spec, test.name, test.model), []).append(test)
    lines = [line for tests in groups.values() for line in _of_group(tests)]
    return sorted(lines, key=lambda line: WORST_FIRST.index(line.word))


def counts(lines: list[Line]) -> Counter[Word]:
    """How many lines say what."""
    return Counter(line.word for line in lines)


def _of_group(tests: list[TestRecord]) -> Iterator[Line]:
    columns = [list(_cases(test)) for test in tests]
    # claims stand at the same place in each case of a test; what is no claim has a line of its own
    for is_claim in (True, False):
        sides = [
            [case for case in cases if (case.claim is not None) is is_claim] for cases in columns
        ]
        for row in zip_longest(*sides):
            yield Line(tuple(sorted(filter(None, row), key=_badness)))


def _badness(case: Case) -> tuple[int, float]:
    margin = case.claim.margin if case.claim else None
    return WORST_FIRST.index(case.word), margin if margin is not None else 0.0


def _cases(test: TestRecord) -> Iterator[Case]:
    cases = [Case(test, one, _word(test, one), place) for place, one in enumerate(test.claims)]
    yield from cases
    is_bad = test.outcome in BAD
    if not cases or (is_bad and not any(case.word in BAD for case in cases)):
        yield Case(test, None, test.outcome)


def _word(test: TestRecord, claim: ClaimRecord) -> Word:
    """What a line says of a claim: its verdict, as far as the test was to hold."""
    if claim.status == "passed":
        return "passed"
    if test.outcome == "passed":  # it asked for this
        return "expected"
    if claim.status == "failed" and test.outcome == "xfailed":
        return "xfailed"
    return claim.status
