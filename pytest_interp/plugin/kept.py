"""Results that are kept on disk: the option, what is answered from there, and what the run says."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.errors import CacheError
from pytest_interp.plugin.options import MODELS
from pytest_interp.store.patched import patched, registered_by_others

if TYPE_CHECKING:
    from pytest_interp.baselines.images import Drawing
    from pytest_interp.experiments.calls import Call, GoOn
    from pytest_interp.plugin.session import Models
    from pytest_interp.store.drawings import Drawings
    from pytest_interp.store.files import Store

MODES = ("off", "on", "refresh")
_VARIABLE = "PYTEST_INTERP_RESULTS"
_KEPT = pytest.StashKey["Kept"]()
_COUNTS = "interp_kept"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and its ini twin, which it overrides."""
    text = (
        "results kept on disk: on reads and writes them, refresh computes and writes, off does "
        "neither (default)"
    )
    parser.getgroup("interp").addoption("--interp-cache", choices=MODES, help=text)
    parser.addini("interp_cache", text, default="")


def mode_here(config: pytest.Config) -> str:
    """What was asked for, by the command line, the ini file or the environment.

    Raises:
        UsageError: the ini file has another word.
    """
    if os.environ.get(_VARIABLE, "").lower() == "off":
        return "off"
    mode = str(config.getoption("interp_cache") or config.getini("interp_cache") or "off")
    if mode not in MODES:
        raise pytest.UsageError(f"interp_cache = {mode!r} in the ini file: use {', '.join(MODES)}")
    return mode


@pytest.hookimpl(trylast=True)  # the models of the session come first
def pytest_configure(config: pytest.Config) -> None:
    """Put the store where experiments are called."""
    mode = mode_here(config)
    if mode == "off":
        return
    from pytest_interp.experiments.calls import answering
    from pytest_interp.store.files import Store, store_folder

    try:
        store = Store(store_folder())
    except CacheError as error:
        raise pytest.UsageError(str(error)) from error
    models = config.stash[MODELS]
    models.keeps_results = True
    kept = config.stash[_KEPT] = Kept(models, store, reads=mode == "on")
    stack = ExitStack()
    stack.enter_context(answering(kept.answer))
    config.add_cleanup(stack.close)


def drawing(config: pytest.Config) -> Callable[[Any], Drawing | None]:
    """What draws the figure of a result: with a store, what was drawn of the same one is there."""
    kept = config.stash.get(_KEPT, None)
    if kept is not None:
        return kept.drawings().draw
    from pytest_interp.figures import draw

    return draw


class Kept:
    """Answers calls from the store, and keeps what had to be computed."""

    def __init__(self, models: Models, store: Store, *, reads: bool) -> None:
        self._models, self._store, self._reads = models, store, reads
        self.read = 0
        self.computed = 0

    def answer(self, call: Call, go_on: GoOn) -> Any:
        """What was kept of the same call, or else what it gives now."""
        key = self._key(call)
        if key is None:
            return go_on(call)
        found = self._store.read(key, self) if self._reads else self
        if found is not self:
            self.read += 1
            return found
        made = go_on(call)
        self.computed += 1
        if self._key(call) == key:  # nothing was changed meanwhile
            self._store.write(key, made)
        return made

    def drawings(self) -> Drawings:
        """Figures in the same store."""
        from pytest_interp.store.drawings import Drawings

        return Drawings(self._store, self._reads)

    def _key(self, call: Call) -> str | None:
        from pytest_interp.store.keys import key_of

        if patched() or registered_by_others():
            return None
        model = self._models.kept_as(call.adapter)
        return None if model is None else key_of(call, model)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist tells its counts."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and (kept := session.config.stash.get(_KEPT, None)):
        output[_COUNTS] = [kept.read, kept.computed]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the counts of a worker."""
    counts = getattr(node, "workeroutput", {}).get(_COUNTS)
    if counts and (kept := node.config.stash.get(_KEPT, None)):
        kept.read, kept.computed = kept.read + counts[0], kept.computed + counts[1]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many results came from the store."""
    kept = config.stash.get(_KEPT, None)
    if kept is not None and kept.read:
        total = kept.read + kept.computed
        terminalreporter.write_line(
            f"interp: {kept.read} of {total} results came from earlier runs, from the store "
            "(--interp-cache=refresh computes them again)"
        )
