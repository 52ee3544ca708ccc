"""Models that a run names and no test runs on: its green would say nothing about them."""

from __future__ import annotations

import warnings

import pytest

from pytest_interp.errors import UnknownNameError
from pytest_interp.models.registry import model_names
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.specs import SUFFIX
from pytest_interp.plugin.targets import NAMED, TARGET, model_of

_PARTIAL = {"lf": "--last-failed", "ignore": "--ignore", "ignore_glob": "--ignore-glob"}
"""Options that keep tests from being collected, by the name of their attribute."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse what the command line names in vain; warn where a filter may be the reason.

    The ini file speaks for every run of a project, also for runs of other tests.
    """
    config, items = session.config, session.items
    if session.testsfailed:  # a file that cannot be collected may hold the test; its error is shown
        return
    used = {model_of(item) for item in items}
    for text in _typed(config):
        name = text.partition("=")[0].strip()
        if name in used:
            continue
        problem = f"--interp-model {text}: {_problem(config, name, used)}"
        reason = _excuse(config, name, items)
        if reason is None:
            _refuse(session, problem)
            continue
        try:
            warnings.warn(pytest.PytestWarning(f"{problem} {reason}"), stacklevel=1)
        except pytest.PytestWarning as error:
            # let through, it would be an internal error
            _refuse(session, str(error))


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Say so where the header names a checkpoint of the ini file, and no test runs on it."""
    used = {model for item in items if (model := model_of(item)) is not None}
    typed = {text.partition("=")[0].strip() for text in _typed(config)}
    return [
        f"interp: no test of this run is on {name}, for which the ini file names {checkpoint}"
        for name, checkpoint in config.stash[MODELS].settings.checkpoints.items()
        if used and name not in used | typed
    ]


def _typed(config: pytest.Config) -> list[str]:
    """The values on the command line itself, without those of ``addopts``."""
    typed = config.invocation_params.args
    given: list[str] = config.option.interp_model
    return [text for text in given if {text, f"--interp-model={text}"} & {*map(str, typed)}]


def _problem(config: pytest.Config, name: str, used: set[str | None]) -> str:
    models = sorted(filter(None, used))
    on = f"its tests are on {', '.join(models)}" if models else "none of its tests is on a model"
    known = {*model_names(), *config.stash[NAMED]}
    checkpoint = config.stash[MODELS].settings.checkpoints.get(name)
    if checkpoint is not None:
        vain = f"no test of this run is on {name!r}, so nothing would run on {checkpoint}: {on}."
        return vain if name in known else f"{vain} {UnknownNameError.of('model', name, known)}"
    hint = (
        f" To run the specs of {models[0]} on it: --interp-model {models[0]}={name}"
        if models
        else ""
    )
    return f"every test of this run names its own model, so none takes {name!r}: {on}.{hint}"


def _excuse(config: pytest.Config, name: str, items: list[pytest.Item]) -> str | None:
    """Why the run may hold no test on this model although the name is right."""
    if name in config.stash[NAMED]:
        return "The tests on it were deselected."
    filters = [
        option for attribute, option in _PARTIAL.items() if config.getoption(attribute, None)
    ]
    filters += [argument for argument in config.args if "::" in argument]
    if filters:
        return f"The run was filtered by {', '.join(filters)}."
    hidden = [item for item in items if model_of(item) is None and _may_run_on_a_model(item)]
    return f"{hidden[0].nodeid} may run on it." if hidden else None


def _may_run_on_a_model(item: pytest.Item) -> bool:
    """Whether a fixture of the project chooses its model, or its spec file cannot be read."""
    return TARGET in getattr(item, "fixturenames", ()) or item.path.name.endswith(SUFFIX)


def _refuse(session: pytest.Session, message: str) -> None:
    if not hasattr(session.config, "workerinput"):
        raise pytest.UsageError(message)
    # an error here would take a worker of xdist down; this ends the whole run
    session.shouldfail = message
