"""Whether this process computes as the package, and torch, were installed."""

from __future__ import annotations

from pytest_interp.store.patched import patched, registered_by_others
from pytest_interp.store.settings import changed_settings


def is_unchanged() -> bool:
    """Whether nothing was replaced, added or set otherwise that numbers depend on.

    Else no result of this process is kept, and none is answered from what was kept.
    """
    return not (patched() or registered_by_others() or changed_settings())
