"""Runs of specs made by hand, for tests of what is shown of them."""

from __future__ import annotations

from pytest_interp.report.run import (
    BaselineRecord,
    ChangeRecord,
    ClaimRecord,
    Interval,
    ReadingRecord,
    ResultRecord,
    RunRecord,
    TestRecord,
)


def a_claim(status="passed", claim="the fact sits on the subject", margin=0.2, value=1.0, **given):
    headline = f"{status}: {value:.3f} at layer 7, claimed at least 0.80"
    said = {
        "claim": claim,
        "status": status,
        "headline": headline,
        "sentence": "It does.",
        "scope": "existence, n = 1",
        "n": 1,
        "effect": Interval(value=value, low=value, high=value, where="layer 7"),
        "claimed": "at least 0.80",
        "threshold": 0.8,
        "margin": margin,
    }
    return ClaimRecord(**said | given)


def a_change(text="recovery at layer 7: 1 -> 0.5, by -0.5", **given):
    return ChangeRecord(path="recovery[7]", text=text, old=1.0, new=0.5, excess=500.0, **given)


def a_result(state=None, changes=(), readings=(), result=None, axes=None, **given):
    baseline = None
    if state is not None:
        baseline = BaselineRecord(file="baselines/a.json", name=None, state=state, changes=changes)
    return ResultRecord(
        kind="TraceResult",
        summary="largest effect 1.000 at layer 7",
        result=result or {},
        axes=axes or {},
        readings=tuple(ReadingRecord(**one) for one in readings),
        baseline=baseline,
        **given,
    )


def a_test(name="test_a", outcome="passed", claims=(), results=(), **given):
    backend = given.get("backend", "transformer_lens")
    said = {
        "id": f"specs/test_a.py::{name}[planted-gpt2-{backend}]",
        "spec": "specs/test_a.py",
        "line": 12,
        "name": name,
        "about": "",
        "model": "planted-gpt2",
        "backend": backend,
        "checkpoint": None,
        "outcome": outcome,
        "message": "",
        "seconds": 0.1,
        "command": "pytest specs/test_a.py",
        "claims": tuple(claims),
        "results": tuple(results),
    }
    return TestRecord(**said | given)


def a_run(*tests, **given):
    said = {
        "time": "2026-01-01T00:00:00+00:00",
        "seconds": 3.2,
        "command": "pytest specs",
        "exit_status": 0,
        "rootdir": "project",
        "versions": {"pytest-interp": "0.1.0"},
        "git_sha": "0123456789abcdef",
        "git_dirty": False,
        "python": "3.11.2",
        "platform": "Linux",
        "tests": tests,
    }
    return RunRecord(**said | given)
