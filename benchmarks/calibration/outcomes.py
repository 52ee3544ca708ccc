"""What becomes of claims: each is checked in turn, and timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from benchmarks.calibration.oracle import Case, Claim
from pytest_interp.claims import Verdict
from pytest_interp.errors import ClaimError, ExperimentError

CaseT = TypeVar("CaseT", bound=Case)


def decided(blank: CaseT, claims: Iterable[Claim]) -> Iterator[CaseT]:
    """The cases of claims of one model and backend."""
    start = time.process_time()
    for text, true, check in claims:
        outcome, now = _outcome(check), time.process_time()
        yield replace(blank, claim=text, true=true, outcome=outcome, seconds=now - start)
        start = now


def _outcome(check: Callable[[], Verdict]) -> str:
    try:
        return str(check().status)
    except (ClaimError, ExperimentError):
        return "refused"
