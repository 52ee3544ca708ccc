"""Runs pytest and says where the processor's time went: ``python -m benchmarks.phases FILE ARGS``.

Imports, loading the model, computing, and everything else (pytest, claims, baselines). Imports that
loading or computing begins count as imports. The numbers go to FILE, as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

IMPORTS, LOADING, COMPUTING, OTHER = "imports", "loading", "computing", "other"
PHASES = (IMPORTS, LOADING, COMPUTING, OTHER)


class Clock:
    """Seconds of the processor by phase. The innermost phase counts."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._inside = [OTHER]
        self._since = 0.0  # of the process, with what Python itself took to start

    def _turn(self) -> None:
        now = time.process_time()
        self.seconds[self._inside[-1]] += now - self._since
        self._since = now

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time inside this block is that of a phase."""
        self._turn()
        self._inside.append(name)
        try:
            yield
        finally:
            self._turn()
            self._inside.pop()

    def within(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function; its time is that of a phase."""

        def timed(*given: Any, **named: Any) -> Any:
            with self.phase(name):
                return function(*given, **named)

        return timed

    def stop(self) -> dict[str, float]:
        """The seconds until now."""
        self._turn()
        return self.seconds


class Watching:
    """A plugin that notes when models are loaded and experiments are computed."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def pytest_sessionstart(self) -> None:
        """Before the store, so that only what it does not answer comes here."""
        from pytest_interp.experiments import calls
        from pytest_interp.plugin.session import Models

        def answer(call: Any, go_on: Callable[[Any], Any]) -> Any:
            with self.clock.phase(COMPUTING):
                return go_on(call)

        calls._answers.insert(0, answer)
        for name in ("weights", "adapter"):
            setattr(Models, name, self.clock.within(LOADING, getattr(Models, name)))


def main() -> None:
    """Run pytest and write down the phases."""
    file, *args = sys.argv[1:]
    clock = Clock()
    # what every import statement and import_module call for a module that is not there yet
    importing: Any = importlib._bootstrap  # type: ignore[attr-defined]
    importing._find_and_load = clock.within(IMPORTS, importing._find_and_load)
    import pytest

    with_plugin = "no:interp" not in args
    status = pytest.main(args, plugins=[Watching(clock)] if with_plugin else [])
    Path(file).write_text(json.dumps(clock.stop()))
    sys.exit(int(status))


if __name__ == "__main__":
    main()
