"""A run as one HTML file, to be looked at in a browser. It fetches nothing."""

from __future__ import annotations

from collections import Counter

from pytest_interp.report.cases import Case, models_of
from pytest_interp.report.pages import page
from pytest_interp.report.run import OUTCOMES, STATES, Outcome, RunRecord, State
from pytest_interp.report.views import figure_address, figure_id

_BAD = [one for one in OUTCOMES[: OUTCOMES.index("passed")] if one != "unfinished"]
_IN_WORDS: dict[Outcome, str] = {
    "error": "broke outside of a claim",
    "unfinished": "did not finish",
    "xpassed": "unexpected pass",
    "xfailed": "expected failure",
}
_STATES: dict[State, str] = {
    "same": "same as saved",
    "within": "moved within tolerance",
    "new": "nothing saved yet",
    "written": "saved by this run",
    "unreadable": "cannot be read",
    "unchecked": "not compared",
    "not judged": "of a checkpoint, not judged",
}


def render(run: RunRecord) -> str:
    """The page of a run: every claim by model and spec, to be filtered and opened."""
    models = models_of(run)
    cases = [case for model in models for spec in model.specs for case in spec.cases]
    outcomes = Counter(case.outcome for case in cases)
    states = Counter(case.state for case in cases if case.state)
    return page(
        "report.html",
        styles=("report.css", "grids.css"),
        scripts=("grids.js", "filters.js", "report.js"),
        run=run,
        models=models,
        headline=_headline(cases, run.broke_off),
        lead=_lead(outcomes, states),
        note=run.broke_off,
        duration=_duration(run.seconds),
        outcomes=[(outcome, outcomes[outcome]) for outcome in OUTCOMES if outcomes[outcome]],
        states=[(state, _STATES.get(state, state)) for state in STATES if states[state]],
        model_names=[(m.name, m.name) for m in models],
        backends=[(b, b) for b in dict.fromkeys(t.backend for t in run.tests) if b],
        total=len(cases),
        pictures=_pictures(run),
    )


def _headline(cases: list[Case], broke_off: str) -> str:
    ran = [case for case in cases if case.outcome not in ("skipped", "unfinished")]
    left = sum(case.outcome == "unfinished" for case in cases)
    bad = sum(case.outcome in _BAD for case in ran)
    more = f"; {left} did not finish" if left else "; the run broke off" if broke_off else ""
    if bad:
        return f"{bad} of {len(ran)} claims {'does' if bad == 1 else 'do'} not hold{more}"
    if more and ran:
        return f"{len(ran)} claim{' holds' if len(ran) == 1 else 's hold'}{more}"
    if not ran:
        return f"No claim was measured{more}"
    return f"All {len(ran)} claims hold" if len(ran) > 1 else "The claim holds"


def _lead(outcomes: Counter[Outcome], states: Counter[State]) -> str:
    said = [f"{outcomes[o]} {_IN_WORDS.get(o, o)}" for o in OUTCOMES if outcomes[o]]
    lead = f"{', '.join(said)}." if said else ""
    if states:
        moved = [f"{states[s]} {_STATES.get(s, s)}" for s in STATES if states[s]]
        lead += f" Baselines: {', '.join(moved)}."
    return lead


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _pictures(run: RunRecord) -> dict[str, str]:
    """Every figure once, by the id of its block."""
    results = [result for test in run.tests for result in test.results]
    figures = [result.figure for result in results]
    figures += [result.baseline.old_figure for result in results if result.baseline]
    return {figure_id(figure): figure_address(figure) for figure in figures if figure}
