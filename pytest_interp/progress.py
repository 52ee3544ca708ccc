"""Word of long work: whoever does it reports, whoever shows it listens.

A sweep, a download or a dequantisation calls :func:`report`; a command line or a pytest session
puts a listener in place with :func:`listening`. Without one a report goes nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done and how many there are."""

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
