"""What pytest does with an undecided claim, and how a crossover layer explains itself."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_interp.errors import ClaimFailed, ClaimInconclusive, SpecError
from pytest_interp.plugin.gathering import note_verdict
from pytest_interp.plugin.marker import read_marker
from pytest_interp.plugin.options import mode_of
from pytest_interp.plugin.properties import as_json
from pytest_interp.plugin.targets import target_of
from pytest_interp.registry import entry_points

if TYPE_CHECKING:
    from pytest_interp.claims.verdict import Verdict

_HEADLINES = pytest.StashKey[list[str]]()
"""What the claims of a test came to, a line each."""
MODES = ("fail", "skip", "xfail")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and its ini twin, which it overrides."""
    text = "an inconclusive claim is no pass: fail (default), skip or xfail the test"
    group = parser.getgroup("interp")
    group.addoption("--interp-inconclusive", choices=MODES, help=text)
    parser.addini("interp_inconclusive", text, default="fail")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse an unknown mode of the ini file; rewrite plain asserts in claims of packages."""
    mode_of(config, "interp_inconclusive", MODES)
    modules = {point.module for point in entry_points("pytest_interp.claims").values()}
    pytest.register_assert_rewrite(*sorted(modules - sys.modules.keys()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """A fixture may claim too."""
    return (yield from _hear(item, in_test=False))


pytest_runtest_teardown = pytest_runtest_setup


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Hear the claims of a test."""
    return (yield from _hear(item, in_test=True))


def _hear(item: pytest.Item, *, in_test: bool) -> Generator[None, object, object]:
    """Turn an undecided claim into what was asked for, and keep each verdict for the report.

    Those of the test itself are about what its id names. A fixture may belong to several tests.
    """
    from pytest_interp.claims.verdict import hearing

    def keep(verdict: Verdict) -> None:
        __tracebackhide__ = True
        if in_test:
            _must_be_of_test(item, verdict)
        note_verdict(item, verdict)
        item.user_properties.append(("interp_verdict", as_json(verdict.to_json())))
        item.stash.setdefault(_HEADLINES, []).append(verdict.headline)

    try:
        with hearing(keep):
            return (yield)
    except ClaimInconclusive as undecided:
        mode = mode_of(item.config, "interp_inconclusive", MODES)
        if mode == "skip":
            raise pytest.skip.Exception(_reason(undecided), _use_item_location=True) from undecided
        if mode == "xfail":
            raise pytest.xfail.Exception(_reason(undecided)) from undecided
        raise


def _must_be_of_test(item: pytest.Item, verdict: Verdict) -> None:
    """Refuse a claim about another model or backend than the test's id names.

    Raises:
        SpecError: it is, and the mark does not say that it may be.
    """
    __tracebackhide__ = True
    target = target_of(item)
    if target is None or not verdict.models:
        return
    # agreement is about two backends
    is_of_backend = target.backend is None or target.backend in verdict.backends
    if verdict.models == (target.model,) and is_of_backend:
        return
    if not read_marker(item).other_model:
        models, backends = (" and ".join(names) for names in (verdict.models, verdict.backends))
        raise SpecError(
            f"the test runs on {target}, but its claim is about {models} under {backends}: use the "
            "fixtures lens, trace, adapter or model, which give what the id names. Where the spec "
            "means another model or backend: @pytest.mark.interp(other_model=True)"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report say first what happened: the summary of a run has room for a few words only."""
    report = yield
    error = None if call.excinfo is None else call.excinfo.value
    place = getattr(report.longrepr, "reprcrash", None)
    if isinstance(error, ClaimFailed | ClaimInconclusive) and place is not None:
        place.message = str(error)  # pytest would begin with the name of the class
    if report.when == "call" and report.passed and (said := item.stash.get(_HEADLINES, [])):
        report.sections.append(("interp claims", "\n".join(said)))  # shown with -rA
    return report


def _reason(undecided: ClaimInconclusive) -> str:
    """One line: what was undecided, and the claim. The report of a fixture shows nothing else."""
    lines = str(undecided).splitlines() or [""]
    claim = next((i for i, line in enumerate(lines) if line.startswith("  claim: ")), 0)
    return " ".join(" ".join(lines[: claim + 1]).split())


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """``assert lens.crossover_layer <= 7`` fails with the curve around the crossover."""
    from pytest_interp.results.crossover import CrossoverLayer

    layer = left if isinstance(left, CrossoverLayer) else right
    if not isinstance(layer, CrossoverLayer):
        return None
    return [f"{left!r} {op} {right!r}", *layer.explain()]
