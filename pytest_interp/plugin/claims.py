"""What pytest does with an undecided claim, and how a crossover layer explains itself."""

from __future__ import annotations

import sys
from collections.abc import Generator
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from pytest_interp.errors import ClaimInconclusive

if TYPE_CHECKING:
    from pytest_interp.claims.verdict import Verdict

MODES = ("fail", "skip", "xfail")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and its ini twin, which it overrides."""
    text = "an inconclusive claim is no pass: fail (default), skip or xfail the test"
    group = parser.getgroup("interp")
    group.addoption("--interp-inconclusive", choices=MODES, help=text)
    parser.addini("interp_inconclusive", text, default="fail")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse an unknown mode of the ini file; rewrite plain asserts in claims of packages."""
    if _mode(config) not in MODES:
        raise pytest.UsageError(
            f"interp_inconclusive = {_mode(config)!r} in the ini file: use {', '.join(MODES)}"
        )
    modules = {point.module for point in metadata.entry_points(group="pytest_interp.claims")}
    pytest.register_assert_rewrite(*sorted(modules - sys.modules.keys()))


def _mode(config: pytest.Config) -> str:
    return str(config.getoption("--interp-inconclusive") or config.getini("interp_inconclusive"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Turn an undecided claim into what was asked for, and keep each verdict for the report."""
    from pytest_interp.claims.verdict import hearing

    def keep(verdict: Verdict) -> None:
        item.user_properties.append(("interp_verdict", verdict.to_json()))

    try:
        with hearing(keep):
            return (yield)
    except ClaimInconclusive as undecided:
        mode = _mode(item.config)
        if mode == "skip":
            raise pytest.skip.Exception(_reason(undecided), _use_item_location=True) from undecided
        if mode == "xfail":
            raise pytest.xfail.Exception(_reason(undecided)) from undecided
        raise


pytest_runtest_setup = pytest_runtest_teardown = pytest_runtest_call  # a fixture may claim too


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
