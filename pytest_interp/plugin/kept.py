"""Results that are kept on disk: the option, what is answered from there, and what the run says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.errors import InterpError
from pytest_interp.plugin.options import MODELS
from pytest_interp.store.answers import Kept  # before the code of projects: see store.patched
from pytest_interp.store.mode import MODES, mode_of

if TYPE_CHECKING:
    from pytest_interp.baselines.images import Drawing

KEPT = pytest.StashKey[Kept]()
"""The store of this run, where it uses one, in the stash of its config."""
_COUNTS = "interp_kept"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and its ini twin, which it overrides."""
    text = (
        "results kept on disk: on reads and writes them, refresh computes and writes, off does "
        "neither (default: on, but off where CI is set)"
    )
    parser.getgroup("interp").addoption("--interp-cache", choices=MODES, help=text)
    parser.addini("interp_cache", text, default="")


def mode_here(config: pytest.Config) -> str:
    """What was asked for, by the command line, the ini file or the environment.

    Raises:
        UsageError: the ini file has another word.
    """
    asked = str(config.getoption("interp_cache") or config.getini("interp_cache"))
    if asked not in ("", *MODES):
        raise pytest.UsageError(f"interp_cache = {asked!r} in the ini file: use {', '.join(MODES)}")
    return mode_of(asked)


@pytest.hookimpl(trylast=True)  # the models of the session come first
def pytest_configure(config: pytest.Config) -> None:
    """Put the store where experiments are called."""
    mode = mode_here(config)
    if config.option.collectonly:
        return
    models, stack = config.stash[MODELS], ExitStack()
    try:
        kept = stack.enter_context(models.keeping(mode))
    except InterpError as error:
        raise pytest.UsageError(str(error)) from error
    if kept is not None:
        config.stash[KEPT] = kept
    config.add_cleanup(stack.close)


def drawing(config: pytest.Config) -> Callable[[Any], Drawing | None]:
    """What draws the figure of a result: with a store, what was drawn of the same one is there."""
    kept = config.stash.get(KEPT, None)
    if kept is not None:
        return kept.drawings().draw
    from pytest_interp.figures import draw

    return draw


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist tells its counts."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and (kept := session.config.stash.get(KEPT, None)):
        output[_COUNTS] = [kept.read, kept.computed]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the counts of a worker."""
    counts = getattr(node, "workeroutput", {}).get(_COUNTS)
    if counts and (kept := node.config.stash.get(KEPT, None)):
        kept.read, kept.computed = kept.read + counts[0], kept.computed + counts[1]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many results came from the store."""
    kept = config.stash.get(KEPT, None)
    if kept is not None and kept.read:
        terminalreporter.write_line(f"interp: {kept.said('--interp-cache')}")
