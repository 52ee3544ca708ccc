"""Baselines: their options, the fixture ``baseline``, and when it writes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from pytest_interp.adapters.backends import backend_names
from pytest_interp.baselines.names import stem_of
from pytest_interp.baselines.policy import Policy, Update
from pytest_interp.baselines.store import Owner
from pytest_interp.errors import BaselineError, UnknownNameError
from pytest_interp.plugin.gathering import note_baseline
from pytest_interp.plugin.kept import drawing
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.owners import baseline_root, command_of, is_inside, owner_of
from pytest_interp.plugin.pending import claims_of, origin_of, pending_folder
from pytest_interp.plugin.records import Record
from pytest_interp.plugin.targets import model_of

if TYPE_CHECKING:
    from pytest_interp.baselines.check import Baseline

_OWNERS = pytest.StashKey[dict[Owner, list[str]]]()
"""The node ids of the tests whose baselines have the same files."""
_OUTCOME = pytest.StashKey[str]()
"""``_PASSED``, ``_COMPARED``, or another reason why the test did not pass."""
_PASSED = "passed"
_COMPARED = "a comparison failed"
"""Nothing but comparisons with baselines failed."""
_BASELINE = pytest.StashKey["Baseline | None"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for writing and pruning, and the folder of the baselines."""
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
    for option, value, text in (
        ("--interp-prune", "gone", "delete baselines of tests that are gone"),
        ("--interp-prune=all", "all", "also of tests that stand in their file but did not ask"),
    ):
        text += ", after a complete, unfiltered, green run"
        group.addoption(option, dest="interp_prune", action="store_const", const=value, help=text)
    parser.addini("interp_baseline_dir", "folder of baselines below rootdir", default="baselines")
    parser.addini(
        "interp_baseline_owner",
        "name of the project that a folder of baselines outside of rootdir belongs to",
        default="",
    )
    parser.addini(
        "interp_reference_backend",
        "the only backend that writes the baselines that all backends share",
        default="transformer_lens",
    )


@pytest.fixture
def baseline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    """Compare results with what was saved: ``baseline.check(result)``.

    The numbers (``.json``) and the figure (``.png``) are saved below ``baselines/``. Write them
    with ``--interp-update=missing``, and again with ``--interp-update`` when a change is right.
    Tell several results of one test apart: ``baseline.check(result, name="noising")``.
    """
    _require_plugins(request.config)
    owner = owner_of(request.node)
    same = request.config.stash[_OWNERS].get(owner, [])
    if len(same) > 1:
        raise BaselineError(
            f"the baselines of {len(same)} tests would lie in the same files: "
            f"{', '.join(dict.fromkeys(same))}. Give their parameters ids that tell them apart, as "
            'in pytest.param(..., id="...")'
        )
    policy = _policy(request.config, owner)
    if policy.checkpoint is not None and policy.label is None:
        _refuse_updates(policy, str(owner.model))
    from pytest_interp.baselines.check import Baseline

    made = Baseline(
        owner,
        policy,
        partial(command_of, request.node),
        drawing(request.config),
        request,
        partial(tmp_path_factory.mktemp, "baseline"),
        pending_folder(request.config),
        origin_of(request.node),
    )
    request.node.stash[_BASELINE] = made
    note_baseline(request.node, made)
    return made


def _require_plugins(config: pytest.Config) -> None:
    for option, name, plugin in (
        ("update_snapshots", "syrupy", "syrupy"),
        ("regen_all", "pytest-regressions", "regressions"),
    ):
        if not hasattr(config.option, option):
            raise BaselineError(
                f"the fixture `baseline` keeps its files through {name}, which this run has "
                f"disabled: take away `-p no:{plugin}`, or unset PYTEST_DISABLE_PLUGIN_AUTOLOAD"
            )


def _policy(config: pytest.Config, owner: Owner) -> Policy:
    reference = config.getini("interp_reference_backend")
    if reference not in backend_names():
        hint = "Set interp_reference_backend in the ini file to one of them."
        raise UnknownNameError.of("reference backend", reference, backend_names(), hint)
    updates = (Update[name.upper()] for name in _asked_updates(config))
    checkpoint = config.stash[MODELS].settings.checkpoints.get(owner.model or "")
    writers = (replace(owner, backend=backend) for backend in (reference, None))
    return Policy(
        update=max(updates, default=Update.NOTHING),
        overrides=config.option.interp_update_override,
        reference=reference,
        contested=hasattr(config, "workerinput")
        and any(writer in config.stash[_OWNERS] for writer in writers),
        checkpoint=checkpoint.source if checkpoint else None,
        label=checkpoint.label if checkpoint else None,
    )


def _refuse_updates(policy: Policy, model: str) -> None:
    """A checkpoint without a label has no entries of its own, and the model's are not its to write.

    Raises:
        BaselineError: the run is to write.
    """
    if policy.update is not Update.NOTHING or policy.overrides:
        given = f"--interp-model {model}={policy.checkpoint}"
        raise BaselineError(
            f"{given} has no label, so an update would write the numbers of {policy.checkpoint} "
            f"over the baselines of {model}. Give it a label, as in {given}:LABEL: its entries are "
            f"kept under it, and those of {model} stay as they are. If these are the very weights "
            f"of {model}, register them under that name: register_model({model!r}, "
            f"{policy.checkpoint!r}, replace=True)"
        )


def _asked_updates(config: pytest.Config) -> list[str]:
    """What may be written: by our option, and by the options of the two plugins."""
    aliases = {"regen_all": "all", "force_regen": "changed", "update_snapshots": "changed"}
    asked = [update for name, update in aliases.items() if getattr(config.option, name, False)]
    return [*asked, *filter(None, [config.option.interp_update])]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Note the owners of baselines; in an update, the reference writes before others compare."""
    yield
    users = (item for item in items if "baseline" in getattr(item, "fixturenames", ()))
    owners = {item: owner_of(item) for item in users if is_inside(item)}
    config.stash[_OWNERS] = {}
    for item, owner in owners.items():
        config.stash[_OWNERS].setdefault(owner, []).append(item.nodeid)
    if _asked_updates(config):
        reference = config.getini("interp_reference_backend")

        def is_compared(item: pytest.Item) -> bool:
            return item in owners and owners[item].backend not in (None, reference)

        # a stable sort within the tests of each model, which stay together
        groups = groupby(items, key=model_of)
        items[:] = [item for _, group in groups for item in sorted(group, key=is_compared)]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test passed, and send its record with its last report."""
    report = yield
    # a test may be run again; subtests report before their test, which fails when one of them does
    before = _PASSED if report.when == "setup" else item.stash[_OUTCOME]
    if before in (_PASSED, _COMPARED):
        item.stash[_OUTCOME] = _outcome(report, before, _is_comparison(item, call))
    if report.when == "teardown":
        if is_inside(item):
            _record_of(item).attach(report)
        item.stash[_BASELINE] = None
    return report


def _is_comparison(item: pytest.Item, call: pytest.CallInfo[None]) -> bool:
    """Whether what ended a part of a test is a comparison that failed."""
    made = item.stash.get(_BASELINE, None)
    return made is not None and call.excinfo is not None and made.has_failed(call.excinfo.value)


def _outcome(report: pytest.TestReport, before: str, is_comparison: bool) -> str:
    """What became of a test, from its next report; ``before`` says how it stood."""
    if hasattr(report, "wasxfail"):
        return "the test is marked xfail"
    failed = _COMPARED if is_comparison else "the test failed"
    outcomes = {"passed": before, "skipped": "the test was skipped"}
    return outcomes.get(report.outcome, failed)


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
        made.leave((), only_comparisons_failed=False)
        raise
    made.leave(claims_of(item), only_comparisons_failed=item.stash[_OUTCOME] == _COMPARED)
    if item.stash[_OUTCOME] != _PASSED:
        made.abandon(item.stash[_OUTCOME])
    elif made.will_write:
        from pytest_interp.baselines.projects import claim

        config = item.config
        owner = config.getini("interp_baseline_owner")
        claim(baseline_root(config), config.rootpath, owner)
        made.write()


def _record_of(item: pytest.Item) -> Record:
    made, owner = item.stash.get(_BASELINE, None), owner_of(item)
    # a test that was skipped or failed may not have asked for all of its baselines
    unfinished = None if item.stash[_OUTCOME] == _PASSED else stem_of(owner.test, owner.model)
    used = tuple(map(str, sorted(made.used))) if made else ()
    return Record(str(owner.folder), used, unfinished, tuple(made.notes) if made else ())
