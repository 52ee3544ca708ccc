"""Models in a run: each is released after its last test, and missing weights skip."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from pytest_interp.errors import WeightsUnavailableError
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.targets import TARGET, model_of

_PENDING = pytest.StashKey[dict[str, set[str]]]()
_FINISH = pytest.StashKey[Callable[[], None]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which tests need which model."""
    pending: dict[str, set[str]] = {}
    for item in session.items:
        if (model := model_of(item)) is not None:
            pending.setdefault(model, set()).add(item.nodeid)
    session.config.stash[_PENDING] = pending


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """Find out a test that changed what others share; release a model after its last test."""
    changed: list[str] = []
    held = dict(getattr(item, "funcargs", {}))
    try:
        yield
    finally:
        model, models = model_of(item), item.config.stash[MODELS]
        # without any the test was skipped before it had a model
        changed = models.changes(model, held.values()) if held else []
        if model is not None:
            waiting = item.config.stash[_PENDING].get(model, set())
            waiting.discard(item.nodeid)
            # a worker of xdist does not know which tests others take: it goes by the next one
            is_worker = hasattr(item.config, "workerinput")
            is_last = not waiting or (is_worker and model_of(nextitem) not in (None, model))
            if changed or is_last:  # what was changed is loaded anew for the next test
                item.config.stash.get(_FINISH, lambda: None)()
                models.release(model)
    if changed:
        pytest.fail(_changed(changed), pytrace=False)


def _changed(names: list[str]) -> str:
    from pytest_interp.adapters.state import listed

    return (
        f"a model that tests share is not the same after this test: {listed(names)}. The next test "
        "gets it as it was loaded.\n"
        "To change a model, change a copy: model.copy() has tensors of its own, and "
        "open_adapter(model.copy(), backend), or adapter.copy(), puts it under a backend. Take "
        "hooks away again before the test ends."
    )


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: Any
) -> Generator[None, object, object]:
    """Remember how to end the target, and with it every fixture that holds its model."""
    if fixturedef.argname == TARGET:
        request.config.stash[_FINISH] = lambda: fixturedef.finish(request)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Skip a test whose weights are missing."""
    try:
        return (yield)
    except WeightsUnavailableError as error:
        if item.config.stash[MODELS].settings.strict:
            raise
        reason = " ".join(str(error).split())
        raise pytest.skip.Exception(reason, _use_item_location=True) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Skip a test that finds its weights missing, and keep what it ran on for the reports."""
    adapter = getattr(item, "funcargs", {}).get("adapter")
    if adapter is not None:
        item.user_properties.append(("interp_model", adapter.name))
        item.user_properties.append(("interp_backend", adapter.backend))
    return (yield from pytest_runtest_setup(item))
