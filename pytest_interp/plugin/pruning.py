"""Entries that no test asks for: found after a run of all tests, deleted with --interp-prune."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_interp.adapters.backends import installed_backends
from pytest_interp.baselines import projects, store
from pytest_interp.baselines.names import function_of
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


@dataclass(frozen=True)
class Pruning:
    """What no test asked for: first shown, then deleted."""

    lines: tuple[str, ...] = ()
    """For the summary, before anything is deleted."""
    files: tuple[Path, ...] = ()
    """What is to be deleted."""
    root: Path = Path()

    def delete(self) -> list[str]:
        """Delete the files; lines for the summary."""
        if not self.files:
            return []
        problem = []
        try:
            store.remove(list(self.files), self.root)
        except BaselineError as error:
            problem = [f"not everything was pruned: {error}"]
        gone = sum(not path.exists() for path in self.files)
        return [f"deleted {gone} of {len(self.files)} files", *problem]


def prune(config: pytest.Config, exitstatus: int, records: Records) -> Pruning:
    """Find what no test asked for, and what of it ``--interp-prune`` deletes."""
    asked = config.option.interp_prune
    root, rootdir = baseline_root(config), config.rootpath.resolve()
    why = _incomplete(config, exitstatus, records)
    why = why or projects.foreign(root, rootdir, config.getini("interp_baseline_owner"))
    if why is not None:
        return Pruning((f"nothing was pruned: {why}",) if asked else ())
    covered = [root / path.relative_to(rootdir) for path in _arguments(config)]
    gone, doubtful = obsolete(records.tests, root, covered, rootdir)
    lines: list[str] = []
    for files, option, told in ((gone, "", _GONE), (doubtful, "=all", _DOUBTFUL)):
        if files:
            deletes = asked == "all" or (asked and files is gone)
            head = f"{told}. {'Deleted' if deletes else f'--interp-prune{option} deletes them'}:"
            lines += [head, *(f"  {shown(path, config.rootpath)}" for path in files)]
    delete = {None: [], "gone": gone, "all": [*gone, *doubtful]}[asked]
    return Pruning(tuple(lines), tuple(delete), root)


_GONE = "no test asks for these any more"
_DOUBTFUL = (
    "no test of this run asks for these, but the tests stand in their files: a condition, such as "
    "an environment variable, may have left them or their parameters out"
)


def obsolete(
    tests: Iterable[Record], root: Path, covered: Iterable[Path], rootdir: Path
) -> tuple[list[Path], list[Path]]:
    """Files of entries that no test asked for, after a complete, unfiltered, green run.

    A shared entry and the entries for one backend alone are in use together: which of them a test
    reads depends on the backends of the run.

    Args:
        tests: all tests of the run.
        root: the folder of all baselines.
        covered: folders below it whose specs were all part of the run.
        rootdir: what the paths of specs are relative to.

    Returns:
        The files of tests that are gone, and the files of tests that still stand in their spec.
    """
    tests = list(tests)
    used = {entry for test in tests for entry in test.used}
    unfinished = [(test.folder, test.unfinished) for test in tests if test.unfinished]
    ran = {test.folder for test in tests}
    gone: list[Path] = []
    doubtful: list[Path] = []
    for slot in {slot for folder in covered for slot in store.slots_below(folder)}:
        waits = any(
            str(slot.folder) == folder and f"{slot.shared.stem}--".startswith(f"{stem}--")
            for folder, stem in unfinished
        )
        spec = _spec_of(slot.folder, root, rootdir)
        # a spec that exists but gave no test was left out for a reason that we cannot see
        left_out = spec is not None and str(slot.folder) not in ran
        if str(slot.shared.numbers) in used or waits or left_out:
            continue
        stands = spec is not None and _stands_in(spec, function_of(slot.stem))
        (doubtful if stands else gone).extend(slot.files)
    return sorted(gone), sorted(doubtful)


def _spec_of(folder: Path, root: Path, rootdir: Path) -> Path | None:
    spec = rootdir / folder.relative_to(root)
    paths = (Path(f"{spec}{suffix}") for suffix in (".py", ".yaml", ".yml"))
    return next((path for path in paths if path.is_file()), None)


def _stands_in(spec: Path, function: str) -> bool:
    """Whether a file names a function; a long name may have been cut."""
    end = "" if len(function) > 100 else r"\b"
    text = spec.read_text(encoding="utf-8", errors="replace")
    return re.search(rf"\b{re.escape(function)}{end}", text) is not None


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
