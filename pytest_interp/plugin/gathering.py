"""What one test did, gathered in its process while it runs, and made into a record at its end."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.errors import ClaimInconclusive
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.owners import command_of, name_of
from pytest_interp.plugin.specs import is_spec_file
from pytest_interp.plugin.targets import target_of

if TYPE_CHECKING:
    from pytest_interp.baselines.check import Baseline
    from pytest_interp.baselines.checked import Checked
    from pytest_interp.claims.verdict import Verdict
    from pytest_interp.report.run import ClaimRecord, Outcome
    from pytest_interp.results.base import Result


@dataclass
class Gathered:
    """What one test did so far."""

    started: float = field(default_factory=time.perf_counter)
    claims: list[ClaimRecord] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    """What it measured; each once, though several claims may rest on it."""
    baseline: Baseline | None = None
    """Its fixture, where it asked for it."""
    outcome: Outcome = "passed"
    message: str = ""


_GATHERED = pytest.StashKey[Gathered]()
_BROKEN = ("failed", "inconclusive", "error")


def gathered(item: pytest.Item) -> Gathered:
    """What a test did so far."""
    return item.stash.setdefault(_GATHERED, Gathered())


def begin(item: pytest.Item) -> None:
    """Begin anew: a test may be run again."""
    item.stash[_GATHERED] = Gathered()


def note_verdict(item: pytest.Item, verdict: Verdict) -> None:
    """Keep a verdict that the test came to."""
    from pytest_interp.report.making import claim_record

    gathered(item).claims.append(claim_record(verdict))


def note_result(item: pytest.Item, result: Result) -> None:
    """Keep a result that the test measured."""
    known = gathered(item).results
    if not any(one is result for one in known):
        known.append(result)


def note_baseline(item: pytest.Item, baseline: Baseline) -> None:
    """Keep the fixture that compares the test's results."""
    gathered(item).baseline = baseline


def note_report(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Keep what became of a phase of the test. What broke first says why the test failed.

    A subtest reports as a call of its own, before its test.
    """
    so_far, outcome = gathered(item), _outcome(call, report)
    is_broken = outcome in _BROKEN
    if so_far.outcome not in _BROKEN and (is_broken or report.when != "teardown"):
        so_far.outcome = outcome
        so_far.message = "" if outcome == "passed" else _message(report)


def finish(item: pytest.Item, *, whole: bool) -> Mapping[str, Any] | None:
    """The record of a test as plain values, and forget what it did; None where it is no spec.

    ``whole``: with the numbers and figures of its results.
    """
    done, target = gathered(item), target_of(item)
    results = list(results_of(item))
    begin(item)
    if not (target or done.claims or results or is_spec_file(item.path)):
        return None
    from pytest_interp.report.making import as_plain, result_record
    from pytest_interp.report.run import TestRecord

    settings, root = item.config.stash[MODELS].settings, item.config.rootpath
    checkpoint = settings.checkpoints.get(target.model) if target else None
    line = item.location[1]
    record = TestRecord(
        id=item.nodeid,
        spec=item.nodeid.partition("::")[0],
        line=None if line is None else line + 1,
        name=name_of(item),
        about=_about(getattr(item, "function", None)),
        about_spec=_about(getattr(item, "module", None)),
        model=target.model if target else None,
        backend=target.backend if target else None,
        checkpoint=checkpoint.source if checkpoint else None,
        outcome=done.outcome,
        message=done.message,
        seconds=round(time.perf_counter() - done.started, 3),
        command=command_of(item),
        claims=tuple(done.claims),
        results=tuple(result_record(result, one, root, whole=whole) for result, one in results),
    )
    return as_plain(record)


def results_of(item: pytest.Item) -> Iterator[tuple[Result, Checked | None]]:
    """Each result with its comparisons, once without where it has none; then those not noted."""
    done = gathered(item)
    results, checked = done.results, done.baseline.checked if done.baseline else []
    for result in results:
        own = [one for one in checked if one.result is result]
        yield from ((result, one) for one in own)
        if not own:
            yield result, None
    yield from (
        (one.result, one) for one in checked if not any(one.result is known for known in results)
    )


def _outcome(call: pytest.CallInfo[None], report: pytest.TestReport) -> Outcome:
    if report.skipped:
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if report.passed:
        return "xpassed" if hasattr(report, "wasxfail") else "passed"
    error = None if call.excinfo is None else call.excinfo.value
    if isinstance(error, ClaimInconclusive):
        return "inconclusive"
    # without an error: it passed, though it is marked xfail
    is_claimed = error is None or isinstance(error, AssertionError | pytest.fail.Exception)
    return "failed" if is_claimed else "error"


def _message(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if isinstance(report.longrepr, tuple):  # of a skip: file, line, reason
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).removeprefix("Failed: ")


def _about(thing: object) -> str:
    """The first paragraph of a docstring, in one line."""
    text = getattr(thing, "__doc__", None) or ""
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
