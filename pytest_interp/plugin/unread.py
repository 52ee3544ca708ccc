"""A verdict that a test made and that nobody looked at is warned of at the end of the test."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.documents import shown
from pytest_interp.errors import UnreadVerdictWarning

if TYPE_CHECKING:
    from pytest_interp.claims.unread import Given

_UNREAD = pytest.StashKey[dict[int, "Given"]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Begin anew: a test may be run again."""
    item.stash[_UNREAD] = {}
    return (yield from pytest_runtest_call(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the verdicts of the test; none of one that fails, which is red already."""
    from pytest_interp.claims.unread import noting

    try:
        with noting(item.stash[_UNREAD]):
            return (yield)
    except BaseException:
        item.stash[_UNREAD].clear()
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Warn of what is left after every fixture was torn down: one may read what tests gather."""
    result = yield from pytest_runtest_call(item)
    left = list(item.stash[_UNREAD].values())
    item.stash[_UNREAD].clear()
    if refused := list(filter(None, map(_warn, left))):
        pytest.fail("\n".join(refused), pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Keep nothing of what fixtures of several tests make: a later test may look at it."""
    if fixturedef.scope == "function":
        return (yield)
    from pytest_interp.claims.unread import noting

    with noting(None):
        return (yield)


def _warn(given: Given) -> str | None:
    """Warn of one verdict; what to say where the run makes an error of it."""
    verdict = given.verdict
    message = (
        f"nobody looked at this verdict, so it decides nothing: {verdict.headline!r}, of the claim "
        f"that {verdict.claim}. Use the assert_* form of the check, or write assert in front of it"
    )
    try:
        warnings.warn_explicit(message, UnreadVerdictWarning, given.path, given.line)
    except UnreadVerdictWarning:
        # raised here it would show the code of this module, and not the line of the test
        return f"{shown(Path(given.path))}:{given.line}: UnreadVerdictWarning: {message}"
    return None
