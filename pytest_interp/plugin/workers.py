"""Workers of xdist: the tests of one file stay together where they run on a model.

Results and weights are shared inside a process. Spread over workers, each would compute all of them
again. A ``--dist`` that the user gives wins.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.targets import model_of

_FREE = pytest.StashKey[bool]()
"""Whether the user left it to xdist how tests are shared out."""
_GROUPED = "interp_grouped"


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Look at ``--dist`` before xdist puts its default there."""
    asked = config.getoption("dist", None) != "no" or config.getoption("distload", False)
    config.stash[_FREE] = not asked
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker whether files stay together."""
    node.workerinput[_GROUPED] = node.config.stash[_FREE]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out the tests; None leaves it to xdist."""
    if not config.stash[_FREE] or config.getoption("dist") != "load":
        return None
    from pytest_interp.plugin.scheduling import Scheduler

    return Scheduler(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Share the threads among the workers that will have a model."""
    given = getattr(session.config, "workerinput", None)
    if given is None:
        return
    on_models = [item for item in session.items if model_of(item) is not None]
    groups = {item.path for item in on_models} if given.get(_GROUPED) else on_models
    session.config.stash[MODELS].processes = max(1, min(len(groups), given["workercount"]))
