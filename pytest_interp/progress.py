"""Progress of long work.

A sweep, a download or a dequantisation calls :func:`report`. A command line or a pytest session
listens with :class:`Bars`. Without a listener a report goes nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import Any

Listener = Callable[[str, int, int], None]
"""Called with the name of the work, the number of steps done and the number of all steps."""

_listener: ContextVar[Listener | None] = ContextVar("pytest_interp_progress", default=None)


def report(what: str, done: int, total: int) -> None:
    """Say that ``done`` of ``total`` steps are finished."""
    listener = _listener.get()
    if listener is not None:
        listener(what, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send the reports made inside this block to a listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class Bars:
    """A listener that shows each piece of work as a line of tqdm, with the time that is left.

    ``options`` are those of ``tqdm``.
    """

    # What matters most comes first: a narrow terminal cuts the rest. The bar has no width, but
    # tqdm before 4.69 cuts only lines with a bar.
    _FORMAT = "{n_fmt}/{total_fmt} [{elapsed}<{remaining}] {desc}{bar:0}"

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._open: dict[str, Any] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        from tqdm import tqdm  # type: ignore[import-untyped]

        if what not in self._open:
            # miniters: else a thread of tqdm writes too, at any time
            own = {"leave": False, "miniters": 1, "bar_format": self._FORMAT}
            self._open[what] = tqdm(desc=what, total=total, **own, **self._options)
        bar = self._open[what]
        bar.update(done - bar.n)
        if done >= total:
            self._open.pop(what).close()

    def close(self) -> None:
        """Erase what is still shown."""
        while self._open:
            self._open.popitem()[1].close()


@contextmanager
def progress_bar() -> Iterator[None]:
    """Show what is reported inside this block on standard error, where that is a terminal."""
    # None: by whether there is a terminal
    with closing(Bars(disable=None)) as bars, listening(bars):
        yield
