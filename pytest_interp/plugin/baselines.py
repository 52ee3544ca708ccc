"""Baselines: their options, the fixture `baseline`, and when it writes."""

from __future__ import annotations

from collections.abc import Generator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.errors import BaselineError
from pytest_interp.plugin.kept import (
    Owner,
    Writer,
    claim_of,
    folder_of,
    is_inside,
    name_of,
    owner_of,
    target_of,
)
from pytest_interp.plugin.records import REPORT
from pytest_interp.plugin.targets import model_of

if TYPE_CHECKING:
    from pytest_interp.baselines.check import Baseline
    from pytest_interp.baselines.policy import Policy
    from pytest_interp.results.base import Result

_WRITERS = pytest.StashKey[set[Writer]]()
_OWNERS = pytest.StashKey[dict[Owner, list[str]]]()
_OUTCOME = pytest.StashKey[str]()
"""``_PASSED``, or why the test did not pass."""
_PASSED = "passed"
_BASELINE = pytest.StashKey["Baseline | None"]()


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


@pytest.fixture
def baseline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    """Compare results with what was saved: ``baseline.check(result)``.

    Saved are the numbers (``.json``) and the figure (``.png``) below ``baselines/``. Write them
    with ``--interp-update=missing``, and anew with ``--interp-update`` when a change is right.
    Tell several results of one test apart: ``baseline.check(result, name="noising")``.
    """
    _require_plugins(request.config)
    _refuse_shared_name(request)
    from pytest_interp.baselines.check import Baseline

    made = Baseline(
        claim_of(request.node, request.config.stash[_WRITERS]),
        _policy(request.config),
        _draw,
        request,
        lambda: tmp_path_factory.mktemp("baseline"),
    )
    request.node.stash[_BASELINE] = made
    return made


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


def _refuse_shared_name(request: pytest.FixtureRequest) -> None:
    same = request.config.stash[_OWNERS].get(owner_of(request.node), [])
    if len(same) > 1:
        raise BaselineError(
            f"the baselines of {len(same)} tests would lie in the same files: "
            f"{', '.join(dict.fromkeys(same))}. Give their parameters ids that tell them apart, as "
            'in pytest.param(..., id="...")'
        )


def _policy(config: pytest.Config) -> Policy:
    from pytest_interp.adapters.backends import backend_names
    from pytest_interp.baselines.policy import Policy, Update
    from pytest_interp.errors import UnknownNameError

    reference = config.getini("interp_reference_backend")
    if reference not in backend_names():
        hint = "Set interp_reference_backend in the ini file to one of them."
        raise UnknownNameError.of("reference backend", reference, backend_names(), hint)
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
    """Note whose baselines are whose; in an update, the reference writes before others compare."""
    yield
    reference = config.getini("interp_reference_backend")

    def is_writer(item: pytest.Item) -> bool:
        target = target_of(item)
        return target is None or target.backend in (None, reference)

    owners: dict[Owner, list[str]] = {}
    writers: set[Writer] = set()
    for item in items:
        if "baseline" in getattr(item, "fixturenames", ()) and is_inside(item):
            owner = folder, test, _ = owner_of(item)
            owners.setdefault(owner, []).append(item.nodeid)
            if is_writer(item):
                writers.add((folder, test, model_of(item)))
    config.stash[_OWNERS], config.stash[_WRITERS] = owners, writers
    if _asked_updates(config):
        # stable, and within the tests of one model, which stay together
        groups = groupby(items, key=model_of)
        items[:] = [i for _, g in groups for i in sorted(g, key=lambda i: not is_writer(i))]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test passed, and send its record with its last report."""
    report = yield
    # a test may be run again; subtests report as their test does and before it, and one that
    # failed fails their test
    if report.when == "setup" or item.stash[_OUTCOME] == _PASSED:
        item.stash[_OUTCOME] = _outcome(report)
    if report.when == "teardown":
        setattr(report, REPORT, _record_of(item))
        item.stash[_BASELINE] = None
    return report


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "the test is marked xfail"
    if report.skipped:
        return "the test was skipped"
    return _PASSED if report.passed else "the test failed"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Write what an update asked for, after every fixture was torn down."""
    made = item.stash.get(_BASELINE, None)
    if made is None:
        return (yield)
    try:
        yield
    except BaseException:
        made.abandon("the teardown of the test failed")
        raise
    if item.stash[_OUTCOME] == _PASSED:
        made.write()
    else:
        made.abandon(item.stash[_OUTCOME])


def _record_of(item: pytest.Item) -> dict[str, Any] | None:
    from pytest_interp.baselines.run import TestRecord
    from pytest_interp.baselines.store import stem_of

    if not is_inside(item):
        return None
    made = item.stash.get(_BASELINE, None)
    # a test that was skipped or failed has not asked for all that it would ask for
    kept = None
    if item.stash[_OUTCOME] != _PASSED:
        model = model_of(item)
        kept = stem_of(name_of(item), model)
    return TestRecord(
        folder=str(folder_of(item)),
        used=tuple(map(str, sorted(made.used))) if made else (),
        kept=kept,
        notes=tuple(made.notes) if made else (),
    ).to_json()
