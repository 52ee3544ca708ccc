"""Baselines: their options, the fixture `baseline`, and what is told at the end of a run."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.errors import BaselineError
from pytest_interp.plugin.completeness import arguments, incomplete
from pytest_interp.plugin.kept import (
    Writer,
    baseline_root,
    claim_of,
    folder_of,
    is_inside,
    name_of,
    target_of,
)
from pytest_interp.plugin.targets import model_of

if TYPE_CHECKING:
    from pytest_interp.baselines.check import Baseline
    from pytest_interp.baselines.policy import Policy
    from pytest_interp.baselines.run import RunRecord
    from pytest_interp.results import Result

_RUN = pytest.StashKey["RunRecord"]()
_OBSOLETE = pytest.StashKey[list[Path]]()
_WRITERS = pytest.StashKey[set[Writer]]()
_PASSED = pytest.StashKey[bool]()
_BASELINE = pytest.StashKey["Baseline"]()
_REPORT = "interp_baselines"
"""Attribute of a test's last report; it survives the way from an xdist worker."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for writing and pruning, and where the baselines lie."""
    group = parser.getgroup("interp", "interpretability claims on language models")
    update = "interp_update"
    for option, value, text in (
        ("--interp-update", "changed", "save results that are missing or out of tolerance"),
        ("--interp-update=missing", "missing", "only save results that have no baseline yet"),
        ("--interp-update=all", "all", "save every result that is checked"),
    ):
        group.addoption(option, dest=update, action="store_const", const=value, help=text)
    group.addoption(
        "--interp-update-override",
        action="store_true",
        help="where a backend other than the reference disagrees, save an entry for it alone",
    )
    group.addoption(
        "--interp-prune",
        action="store_true",
        help="delete baselines that no test asks for, after a complete, unfiltered, green run",
    )
    parser.addini("interp_baseline_dir", "folder of baselines below rootdir", default="baselines")
    parser.addini(
        "interp_reference_backend",
        "the only backend that writes the baselines that all backends share",
        default="transformer_lens",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the record of this run."""
    from pytest_interp.baselines.run import RunRecord

    config.stash[_RUN] = RunRecord()
    config.pluginmanager.register(_Collector(config.stash[_RUN]), "interp-baseline-records")
    config.stash[_OBSOLETE] = []


@pytest.fixture
def baseline(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Baseline]:
    """Compare results with what was saved: ``baseline.check(result)``.

    Saved are the numbers (``.json``) and the figure (``.png``) below ``baselines/``. Write them
    with ``--interp-update=missing``, and anew with ``--interp-update`` when a change is right.
    Tell several results of one test apart: ``baseline.check(result, name="noising")``.
    """
    _require_plugins(request.config)
    from pytest_interp.baselines.check import Baseline

    made = Baseline(
        claim_of(request.node, request.config.stash[_WRITERS]),
        _policy(request.config),
        _draw,
        request,
        lambda: tmp_path_factory.mktemp("baseline"),
    )
    request.node.stash[_BASELINE] = made
    yield made
    made.finish(passed=request.node.stash.get(_PASSED, False))


def _draw(result: Result) -> Any:
    from pytest_interp.figures import draw

    return draw(result)


def _require_plugins(config: pytest.Config) -> None:
    for option, name, plugin in (
        ("update_snapshots", "syrupy", "syrupy"),
        ("regen_all", "pytest-regressions", "regressions"),
    ):
        if not hasattr(config.option, option):
            raise BaselineError(
                f"the fixture `baseline` keeps its files through {name}, which this run has "
                f"disabled: take away `-p no:{plugin}`, or PYTEST_DISABLE_PLUGIN_AUTOLOAD"
            )


def _policy(config: pytest.Config) -> Policy:
    from pytest_interp.adapters import BACKENDS
    from pytest_interp.baselines.policy import Policy, Update
    from pytest_interp.errors import UnknownNameError

    reference = config.getini("interp_reference_backend")
    if reference not in BACKENDS:
        hint = "Set interp_reference_backend in the ini file to one of them."
        raise UnknownNameError.of("reference backend", reference, BACKENDS, hint)
    updates = (Update[name.upper()] for name in _asked_updates(config))
    return Policy(
        update=max(updates, default=Update.NOTHING),
        overrides=config.option.interp_update_override,
        reference=reference,
        in_parallel=hasattr(config, "workerinput"),
    )


def _asked_updates(config: pytest.Config) -> list[str]:
    """What may be written: by our option, and by those that users of the two plugins know."""
    option = config.option
    aliases = {"regen_all": "all", "force_regen": "changed", "update_snapshots": "changed"}
    asked = [update for name, update in aliases.items() if getattr(option, name, False)]
    return [*asked, option.interp_update] if option.interp_update else asked


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Notice filters of every kind; in an update, let the reference write before others compare."""
    before = len(items)
    yield
    run = config.stash[_RUN]
    run.deselected = max(run.deselected, before - len(items))
    reference = config.getini("interp_reference_backend")

    def is_writer(item: pytest.Item) -> bool:
        target = target_of(item)
        return target is None or target.backend in (None, reference)

    config.stash[_WRITERS] = {
        (folder_of(item), name_of(item), model_of(item))
        for item in items
        if "baseline" in getattr(item, "fixturenames", ()) and is_writer(item) and is_inside(item)
    }
    if _asked_updates(config):
        # stable, and within the tests of one model, which stay together
        groups = groupby(items, key=model_of)
        items[:] = [i for _, g in groups for i in sorted(g, key=lambda i: not is_writer(i))]


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what a filter left out."""
    if items:
        items[0].config.stash[_RUN].deselected += len(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test passed, and send its record with its last report."""
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed and not hasattr(report, "wasxfail")
    if report.when == "teardown":
        setattr(report, _REPORT, _record_of(item))
    return report


def _record_of(item: pytest.Item) -> dict[str, Any] | None:
    from pytest_interp.baselines.run import TestRecord
    from pytest_interp.baselines.store import stem_of

    if not is_inside(item):
        return None
    made = item.stash.get(_BASELINE, None)
    # a test that was skipped or failed has not asked for all that it would ask for
    kept = None
    if not item.stash.get(_PASSED, False):
        model = model_of(item)
        kept = stem_of(name_of(item), model)
    return TestRecord(
        folder=str(folder_of(item)),
        used=tuple(map(str, sorted(made.used))) if made else (),
        kept=kept,
        notes=tuple(made.notes) if made else (),
    ).to_json()


class _Collector:
    """Collects the records of all tests, in the process that reports."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        from pytest_interp.baselines.run import TestRecord

        record = getattr(report, _REPORT, None)
        if record:
            self.run.tests.append(TestRecord.from_json(record))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.run.deselected += getattr(node, "workeroutput", {}).get(_REPORT, 0)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Find what no test asked for, and delete it where that was asked."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_REPORT] = config.stash[_RUN].deselected
        return
    run = config.stash[_RUN]
    if incomplete(config, exitstatus, run.deselected) is None:
        from pytest_interp.baselines.store import remove

        root = baseline_root(config)
        covered = [root / path.relative_to(config.rootpath) for path in arguments(config)]
        found = run.obsolete(root, covered, config.rootpath)
        config.stash[_OBSOLETE] = found
        if config.option.interp_prune:
            remove(found, root)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Tell what was written, what moved within the noise, and what is obsolete."""
    run = config.stash[_RUN]
    lines = [line for note in run.notes for line in note.splitlines()]
    obsolete = [str(p.relative_to(config.rootpath)) for p in config.stash[_OBSOLETE]]
    if obsolete and config.option.interp_prune:
        lines += ["deleted, since no test asks for them:", *(f"  {p}" for p in obsolete)]
    elif obsolete:
        lines += ["no test asks for these any more; --interp-prune deletes them:"]
        lines += [f"  {p}" for p in obsolete]
    if config.option.interp_prune and (why := incomplete(config, exitstatus, run.deselected)):
        lines.append(f"nothing was pruned: {why}")
    if lines:
        terminalreporter.section("interp baselines")
        for line in lines:
            terminalreporter.write_line(line)
