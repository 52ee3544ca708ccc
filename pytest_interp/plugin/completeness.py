"""Did a run see all tests? Only then does an entry that none asked for count as obsolete."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    "interp_backend": "--interp-backend",
    "interp_model": "--interp-model",
}
"""What makes a run incomplete, by the name of the option's own attribute."""


def arguments(config: pytest.Config) -> list[Path]:
    """The paths of the command line, or testpaths, or the working folder."""
    return [(config.invocation_params.dir / arg).resolve() for arg in config.args]


def incomplete(config: pytest.Config, exitstatus: int, deselected: int) -> str | None:
    """Why this run cannot tell which baselines are obsolete; None where it can."""
    for name, option in _FILTERS.items():
        if getattr(config.option, name, None):
            return f"the run was filtered by {option}"
    for argument, path in zip(config.args, arguments(config), strict=True):
        if not path.is_dir():
            return f"only {argument} was run, not a whole folder"
        if not path.is_relative_to(config.rootpath.resolve()):
            return f"{argument} lies outside of rootdir"
    if deselected:
        return "tests were deselected"
    if exitstatus != pytest.ExitCode.OK:
        return "the run was not green"
    return None
