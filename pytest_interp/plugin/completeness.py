"""Did a run see all tests? Only then does an entry that none asked for count as obsolete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_interp.adapters.backends import backend_names, installed
from pytest_interp.plugin.options import MODELS, overrides

if TYPE_CHECKING:
    from pytest_interp.baselines.run import RunRecord

_FILTERS = {
    "keyword": "-k",
    "markexpr": "-m",
    "deselect": "--deselect",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
    "lf": "--last-failed",
    "stepwise": "--stepwise",
    "collectonly": "--collect-only",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
    "pyargs": "--pyargs",
    "noconftest": "--noconftest",
    "interp_model": "--interp-model",
}
"""What makes a run incomplete, by the name of the option's own attribute."""


def arguments(config: pytest.Config) -> list[Path]:
    """The paths of the command line, or testpaths, or the working folder."""
    return [(config.invocation_params.dir / arg).resolve() for arg in config.args]


def incomplete(config: pytest.Config, exitstatus: int, run: RunRecord) -> str | None:
    """Why this run cannot tell which baselines are obsolete; None where it can."""
    for name, option in _FILTERS.items():
        if getattr(config.option, name, None):
            return f"the run was filtered by {option}"
    if overrides(config):  # they may say which files, functions and models are tests at all
        return "the run was filtered by -o"
    backends = config.stash[MODELS].settings.backends
    # a backend that is not installed runs in no run of this machine
    if backends and any(installed(name) and name not in backends for name in backend_names()):
        return f"the run was restricted to the backend {', '.join(backends)}"
    for argument, path in zip(config.args, arguments(config), strict=True):
        if not path.is_dir():
            return f"only {argument} was run, not a whole folder"
        if not path.is_relative_to(config.rootpath.resolve()):
            return f"{argument} lies outside of rootdir"
    if run.deselected:
        return "tests were deselected"
    if exitstatus != pytest.ExitCode.OK:
        return "the run was not green"
    if unfinished := run.collected - len(run.finished):
        return f"{unfinished} of {run.collected} tests did not run to their end"
    return None
