"""A progress bar for long work, on standard error and only where somebody looks on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_interp.progress import listening


@contextmanager
def progress_bar() -> Iterator[None]:
    """Show what is reported inside this block."""
    # transformers depends on tqdm, so it is always here
    from tqdm import tqdm  # type: ignore[import-untyped]

    bars: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in bars:
            # disable=None: silent where standard error is no terminal
            bars[what] = tqdm(desc=what, total=total, disable=None, leave=False)
        bars[what].update(done - bars[what].n)
        if done >= total:
            bars.pop(what).close()

    with listening(show):
        try:
            yield
        finally:
            for bar in bars.values():
                bar.close()
