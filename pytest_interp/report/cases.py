"""The tests of a run as people look at them: a test on all its backends is one case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final, Generic, TypeVar

from pytest_interp.report.run import (
    OUTCOMES,
    STATES,
    ClaimRecord,
    Outcome,
    ResultRecord,
    RunRecord,
    State,
    TestRecord,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Side(Generic[T]):
    """One thing, on the backends of a case: None where a backend has it not."""

    by_test: tuple[tuple[TestRecord, T | None], ...]

    @property
    def all(self) -> tuple[tuple[TestRecord, T], ...]:
        """Where it is there."""
        return tuple((test, one) for test, one in self.by_test if one is not None)

    @property
    def first(self) -> T:
        """On the first backend that has it."""
        return self.all[0][1]


@dataclass(frozen=True)
class Case:
    """One test on one model, as it came out on each backend."""

    anchor: str
    """What a link to it ends in."""
    tests: tuple[TestRecord, ...]

    @property
    def first(self) -> TestRecord:
        """The test on the first backend; what does not depend on a backend is the same in all."""
        return self.tests[0]

    @property
    def title(self) -> str:
        """The name of the test as words."""
        return self.first.title

    @cached_property
    def outcome(self) -> Outcome:
        """The worst of its outcomes."""
        return min((test.outcome for test in self.tests), key=OUTCOMES.index)

    @cached_property
    def claims(self) -> tuple[Side[ClaimRecord], ...]:
        """Its claims, each on all backends; those that fail first."""
        sides = _sides(self.tests, lambda test: test.claims, lambda claim: claim.claim)
        return tuple(sorted(sides, key=lambda side: _CLAIMS.index(worst(side))))

    @property
    def reason(self) -> str:
        """Why it came out as it did, in one line, where no claim of it says so."""
        if any(worst(side) != "passed" for side in self.claims):
            return ""
        messages = (test.message for test in self.tests if test.outcome == self.outcome)
        return next(filter(None, messages), "").strip().partition("\n")[0]

    @cached_property
    def results(self) -> tuple[Side[ResultRecord], ...]:
        """Its results, each on all backends."""
        return _sides(
            self.tests,
            lambda test: test.results,
            lambda result: (result.kind, result.baseline and result.baseline.name),
        )

    @cached_property
    def state(self) -> State | None:
        """Of its results' baselines the state that most needs a look; None without a result."""
        results = [result for test in self.tests for result in test.results]
        found = [result.baseline.state for result in results if result.baseline]
        return min(found, key=STATES.index, default="unchecked" if results else None)

    @property
    def seconds(self) -> float:
        """On all backends together."""
        return sum(test.seconds for test in self.tests)


_CLAIMS: Final = ("failed", "inconclusive", "passed")


def worst(side: Side[ClaimRecord]) -> str:
    """The worst status of one claim on its backends."""
    return min((claim.status for _, claim in side.all), key=_CLAIMS.index)


@dataclass(frozen=True)
class Spec:
    """The cases of one file on one model."""

    file: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Model:
    """The specs of one model."""

    name: str
    checkpoint: str | None
    specs: tuple[Spec, ...]


def models_of(run: RunRecord) -> tuple[Model, ...]:
    """A run's cases by model and spec: the model with the worst outcome first, so in each spec."""
    cases = sorted(_cases(run), key=lambda case: OUTCOMES.index(case.outcome))
    met = list(dict.fromkeys(_model(case.first) for case in cases))
    found = []
    for model in met:
        of_model = [case for case in cases if _model(case.first) == model]
        by_file = sorted(of_model, key=lambda case: case.first.spec)
        specs = [Spec(f, tuple(of)) for f, of in groupby(by_file, lambda case: case.first.spec)]
        found.append(Model(model[0] or "no model", model[1], tuple(specs)))
    return tuple(found)


def _model(test: TestRecord) -> tuple[str | None, str | None]:
    return test.model, test.checkpoint


def _cases(run: RunRecord) -> Iterable[Case]:
    grouped: dict[object, list[TestRecord]] = {}
    for test in run.tests:
        grouped.setdefault((test.spec, test.name, *_model(test)), []).append(test)
    taken: set[str] = set()
    for tests in grouped.values():
        first = tests[0]
        words = (first.spec.removesuffix(".py"), first.name, first.model or "", first.checkpoint)
        slug = re.sub(r"[^a-z0-9]+", "-", " ".join(filter(None, words)).lower()).strip("-")[:120]
        names = (slug if not i else f"{slug}-{i + 1}" for i in range(len(taken) + 1))
        anchor = next(name for name in names if name not in taken)
        taken.add(anchor)
        yield Case(anchor, tuple(tests))


def _sides(
    tests: Sequence[TestRecord],
    things: Callable[[TestRecord], Sequence[T]],
    name: Callable[[T], object],
) -> tuple[Side[T], ...]:
    """The things of the tests, matched by name; the second of a name with the second."""
    found: dict[object, dict[int, T]] = {}
    for i, test in enumerate(tests):
        met: dict[object, int] = {}
        for thing in things(test):
            met[name(thing)] = met.get(name(thing), 0) + 1
            found.setdefault((name(thing), met[name(thing)]), {})[i] = thing
    return tuple(
        Side(tuple((test, of.get(i)) for i, test in enumerate(tests))) for of in found.values()
    )
