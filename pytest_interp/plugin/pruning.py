"""Entries that no test asks for: found after a run of all tests, deleted with --interp-prune."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_interp.adapters.backends import installed_backends
from pytest_interp.baselines import store
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError
from pytest_interp.plugin.options import MODELS, overrides
from pytest_interp.plugin.owners import baseline_root
from pytest_interp.plugin.records import Record, Records

_SAME_NAME = (
    *("deselect", "ignore", "ignore_glob", "stepwise", "collectonly", "setuponly", "setupplan"),
    *("pyargs", "noconftest", "interp_model"),
)
_FILTERS = {
    **{"keyword": "-k", "markexpr": "-m", "lf": "--last-failed"},
    **{name: f"--{name.replace('_', '-')}" for name in _SAME_NAME},
}
"""Options that make a run incomplete, by the name of their attribute."""


def prune(config: pytest.Config, exitstatus: int, records: Records) -> list[str]:
    """List what no test asked for, or delete it with ``--interp-prune``; lines for the summary."""
    why = _incomplete(config, exitstatus, records)
    if why is not None:
        return [f"nothing was pruned: {why}"] if config.option.interp_prune else []
    root, rootdir = baseline_root(config), config.rootpath.resolve()
    covered = [root / path.relative_to(rootdir) for path in _arguments(config)]
    found = obsolete(records.tests, root, covered, rootdir)
    lines = {path: f"  {shown(path, config.rootpath)}" for path in found}
    if not found or not config.option.interp_prune:
        head = "no test asks for these any more; --interp-prune deletes them:"
        return [head, *lines.values()] if found else []
    problem = []
    try:
        store.remove(found, root)
    except BaselineError as error:
        problem = [f"not everything was pruned: {error}"]
    gone = [line for path, line in lines.items() if not path.exists()]
    return ["deleted, since no test asks for them:", *gone, *problem]


def obsolete(
    tests: Iterable[Record], root: Path, covered: Iterable[Path], rootdir: Path
) -> list[Path]:
    """Files of entries that no test asked for, after a complete, unfiltered, green run.

    A shared entry and the entries for one backend alone are in use together: which of them a test
    reads depends on the backends of the run.

    Args:
        tests: all tests of the run.
        root: the folder of all baselines.
        covered: folders below it whose specs were all part of the run.
        rootdir: what the paths of specs are relative to.
    """
    tests = list(tests)
    used = {entry for test in tests for entry in test.used}
    unfinished = [(test.folder, test.unfinished) for test in tests if test.unfinished]
    ran = {test.folder for test in tests}
    found = {slot for folder in covered for slot in store.slots_below(folder)}
    return sorted(
        file
        for slot in found
        if str(slot.shared.numbers) not in used
        and not any(
            str(slot.folder) == folder and f"{slot.shared.stem}--".startswith(f"{stem}--")
            for folder, stem in unfinished
        )
        # a spec that exists but gave no test was left out for a reason that we cannot see
        and (str(slot.folder) in ran or not _has_spec(slot.folder, root, rootdir))
        for file in slot.files
    )


def _has_spec(folder: Path, root: Path, rootdir: Path) -> bool:
    spec = rootdir / folder.relative_to(root)
    return any(Path(f"{spec}{suffix}").is_file() for suffix in (".py", ".yaml", ".yml"))


def _arguments(config: pytest.Config) -> list[Path]:
    """The paths of the command line, or testpaths, or the working folder."""
    return [(config.invocation_params.dir / arg).resolve() for arg in config.args]


def _incomplete(config: pytest.Config, exitstatus: int, records: Records) -> str | None:
    """Why this run does not show which baselines are obsolete; None where it does."""
    for name, option in _FILTERS.items():
        if getattr(config.option, name, None):
            return f"the run was filtered by {option}"
    if overrides(config):  # they may change which files and functions are tests
        return "the run was filtered by -o"
    backends = config.stash[MODELS].settings.backends
    # without any restriction, too, only installed backends run
    if backends and not set(installed_backends()) <= set(backends):
        return f"the run was restricted to the backend {', '.join(backends)}"
    for argument, path in zip(config.args, _arguments(config), strict=True):
        if not path.is_dir():
            return f"only {argument} was run, not a whole folder"
        if not path.is_relative_to(config.rootpath.resolve()):
            return f"{argument} lies outside of rootdir"
    if records.deselected:
        return "tests were deselected"
    if exitstatus != pytest.ExitCode.OK:
        return "the run was not green"
    if unfinished := records.collected - len(records.finished):
        return f"{unfinished} of {records.collected} tests did not run to their end"
    return None
