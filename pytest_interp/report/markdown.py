"""One run as Markdown, for a pull request: what changed since the baselines, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_interp.report.escaping import markdown as text
from pytest_interp.report.run import OUTCOMES, BaselineRecord, ClaimRecord, RunRecord, TestRecord

LIMIT = 60_000
"""Characters at most: GitHub takes 65,536 in a comment, and a mebibyte in a summary."""
EXAMPLES = 3
"""Changes that are named of one result."""
_SIGN = {"inconclusive": "❔", "passed": "✅", "xfailed": "✅", "skipped": "⚪"}
_NEWS = {
    "unreadable": "the baseline cannot be read",
    "changed": "out of tolerance",
    "new": "no baseline yet",
    "not judged": "of the model, not judged on a checkpoint",
    "written": "baseline written",
    "within": "moved within tolerance",
}
"""States of a baseline that are news, the worst first, in words."""

Case = tuple[TestRecord, ...]
"""Tests that differ in the backend alone, and came to the same."""


def render(run: RunRecord, limit: int = LIMIT) -> str:
    """What happened, in at most ``limit`` characters; what does not fit is counted.

    Text of prompts and tokens is shown as text, whatever it holds.
    """
    cases = _cases(run.tests)
    bad = [case for case in cases if OUTCOMES.index(case[0].outcome) < OUTCOMES.index("passed")]
    good = [case for case in cases if case not in bad]
    note = ["", f"**{run.broke_off}**"] if run.broke_off else []
    head = [_headline(run), *note, "", _counts(run), *_stand_ins(run)]
    page = _Page(limit, head, _foot(run))
    failures = [_failure(case) for case in bad if case[0].outcome != "unfinished"]
    page.section([""], failures, [], "tests that did not pass")
    page.section([""], list(_unfinished(bad)), [], "ways not to finish")
    news = [entry for case in good for entry in _moved(case)]
    page.section(["", "**Baselines**", ""], news, [], "results")
    skipped = Counter(test.message for test in run.tests if test.outcome == "skipped")
    reasons = [f"- {n}: {text(_short(reason))}" for reason, n in skipped.most_common()]
    page.section(["", "**Skipped**", ""], reasons, [], "reasons")
    held = [row for case in good for row in _rows(case)]
    table = ["", "| claim | decided by | margin | scope |", "| --- | --- | --- | --- |"]
    start = ["", f"<details><summary>{len(held)} claims that hold</summary>", *table]
    page.section(start, held, ["", "</details>"], "claims")
    return page.text()


class _Page:
    """Lines up to a limit of characters."""

    def __init__(self, limit: int, head: list[str], foot: list[str]) -> None:
        self._lines, self._foot = head, foot
        self._room = limit - _size(head) - _size(foot)

    def section(self, start: list[str], entries: Sequence[str], end: list[str], noun: str) -> None:
        """Entries between two ends, as many as there is room for."""
        if not entries:
            return
        rest = f"... and {len(entries)} more {noun}: they are in the report of the run"
        room = self._room - _size([*start, *end, "", rest])
        kept: list[str] = []
        for entry in entries:
            room -= len(entry) + 1
            if room < 0:
                break
            kept.append(entry)
        if left := len(entries) - len(kept):
            end = [*end, "", rest.replace(str(len(entries)), str(left), 1)]
        added = [*start, *kept, *end] if kept else end[-2:]
        if _size(added) <= self._room:
            self._lines += added
            self._room -= _size(added)

    def text(self) -> str:
        return "\n".join([*self._lines, *self._foot])


def _size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _cases(tests: Sequence[TestRecord]) -> list[Case]:
    """The worst first; backends that came to the same together."""
    found: dict[object, list[TestRecord]] = {}
    for test in sorted(tests, key=lambda one: OUTCOMES.index(one.outcome)):
        said = tuple((claim.status, claim.claim) for claim in test.claims)
        states = tuple(b.state for b in _baselines(test))
        key = (test.spec, test.name, test.model, test.checkpoint, test.outcome, said, states)
        found.setdefault(key, []).append(test)
    return [tuple(tests) for tests in found.values()]


def _headline(run: RunRecord) -> str:
    outcomes: Counter[str] = Counter(test.outcome for test in run.tests)
    bad = [f"{outcomes[name]} {name}" for name in OUTCOMES if name not in _SIGN and outcomes[name]]
    sign = (
        "❌" if bad else "❔" if outcomes["inconclusive"] else "✅" if outcomes["passed"] else "⚪"
    )
    bad += [f"{outcomes['inconclusive']} inconclusive"] if outcomes["inconclusive"] else []
    if run.broke_off and not bad:
        sign, bad = "❌", ["the run broke off"]
    said = ", ".join(bad) or ("all hold" if outcomes["passed"] else "no spec ran")
    return f"### {sign} Claims about model insides: {said}"


def _counts(run: RunRecord) -> str:
    claims = Counter(claim.status for test in run.tests for claim in test.claims)
    found = (baseline.state for test in run.tests for baseline in _baselines(test))
    states: Counter[str] = Counter(found)
    parts = {
        "claims": {name: claims[name] for name in ("failed", "inconclusive", "passed")},
        "tests": Counter(test.outcome for test in run.tests),
        "baselines": {name: states[name] for name in (*_NEWS, "same")},
    }
    said = (
        f"{name}: " + ", ".join(f"{n} {what}" for what, n in counts.items() if n)
        for name, counts in parts.items()
        if any(counts.values())
    )
    return " · ".join(said)


def _stand_ins(run: RunRecord) -> Iterator[str]:
    for line in run.stand_ins:
        yield ""
        yield text(line)
    if run.stand_ins:
        return
    pairs = {(t.model, t.checkpoint) for t in run.tests if t.checkpoint is not None}
    for model, checkpoint in sorted(pairs, key=str):
        yield ""
        yield f"{text(str(checkpoint))} stands in for {text(str(model))}."


def _failure(case: Case) -> str:
    test = case[0]
    lines = [_title(case)]
    broken = [claim for claim in test.claims if claim.status != "passed"]
    lines += [f"  - {_claim(claim)}" for claim in broken]
    news = [b for b in _baselines(test) if b.state in _NEWS]
    lines += [f"  - {line}" for line in _lines(test, news)]
    if not broken and not news:
        first = next((line for line in test.message.splitlines() if line.strip()), test.outcome)
        lines.append(f"  - {text(_short(first.strip()))}")
    return "\n".join(lines)


def _unfinished(cases: Sequence[Case]) -> Iterator[str]:
    """An entry for each way in which tests did not run to their end."""
    ways: dict[str, list[str]] = {}
    for case in cases:
        if case[0].outcome == "unfinished":
            ways.setdefault(case[0].message, []).append(case[0].name)
    for reason, names in ways.items():
        said = _short(f"{reason}: {', '.join(names)}")
        yield f"- ❌ **{len(names)} unfinished**: {text(said)}"


def _moved(case: Case) -> Iterator[str]:
    """What is news of the numbers of a test that passed; a line where a checkpoint stands in."""
    test = case[0]
    news = sorted(
        (b for b in _baselines(test) if b.state in _NEWS),
        key=lambda b: list(_NEWS).index(b.state),
    )
    if all(b.state == "not judged" for b in news) and news:
        yield f"{_title(case)}: {_not_judged(test, news)}"
    elif news:
        yield "\n".join([_title(case), *(f"  - {line}" for line in _lines(test, news))])


def _lines(test: TestRecord, news: Sequence[BaselineRecord]) -> Iterator[str]:
    """What moved; of a checkpoint that is not judged by the model's baselines, how much of it."""
    others = [b for b in news if b.state == "not judged"]
    yield from (line for b in news if b not in others for line in _baseline(b))
    if others:
        yield _not_judged(test, others)


def _not_judged(test: TestRecord, news: Sequence[BaselineRecord]) -> str:
    count = sum(len(b.changes) for b in news)
    return f"{count} numbers are not those of {text(str(test.model))}, and not judged"


def _title(case: Case) -> str:
    test = case[0]
    backends = ", ".join(one.backend for one in case if one.backend)
    where = test.spec if test.line is None else f"{test.spec}:{test.line}"
    parts = [f"**{text(test.name)}**", *(text(p) for p in (test.model, backends, where) if p)]
    return f"- {_SIGN.get(test.outcome, '❌')} {' · '.join(parts)}"


def _claim(claim: ClaimRecord) -> str:
    margin = "" if claim.margin is None else f", margin {claim.margin:+.3g}"
    said = _short(claim.headline)
    return f"{text(said)}{margin} ({text(claim.scope)})<br>claimed: {text(_short(claim.claim))}"


def _baseline(baseline: BaselineRecord) -> Iterator[str]:
    named = f" {text(baseline.name)}" if baseline.name else ""
    moved = [change for change in baseline.changes if not change.within_noise]
    yield f"baseline{named} {_NEWS[baseline.state]}" + (f", {len(moved)} values" if moved else "")
    for change in moved[:EXAMPLES]:
        yield text(_short(change.text))
    if baseline.figure_problem:
        yield text(_short(baseline.figure_problem))


def _rows(case: Case) -> Iterator[str]:
    for claim in case[0].claims:
        decided = ""
        if claim.effect is not None and claim.effect.value is not None:
            decided = f"{claim.effect.value:.3g} at {claim.effect.where}"
        margin = "" if claim.margin is None else f"{claim.margin:+.3g}"
        cells = (_short(claim.claim), decided, margin, claim.scope)
        yield "| " + " | ".join(text(cell) for cell in cells) + " |"


def _foot(run: RunRecord) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    dirty = " with changes" if run.git_dirty else ""
    revision = f" at {run.git_sha[:12]}{dirty}" if run.git_sha else ""
    said = f"{run.command}{revision}, {run.seconds:.0f} s, Python {run.python}; {versions}"
    return ["", f"<sub>{text(_short(said, 600))}</sub>", ""]


def _short(said: str, length: int = 300) -> str:
    return said if len(said) <= length else f"{said[: length - 3]}..."


def _baselines(test: TestRecord) -> list[BaselineRecord]:
    return [result.baseline for result in test.results if result.baseline is not None]
