"""What a test runs on: one case for each model and backend, the cases of a model together."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from pytest_interp.errors import InterpError
from pytest_interp.models.registry import find_model
from pytest_interp.plugin.asked import Target
from pytest_interp.plugin.marker import read_marker
from pytest_interp.plugin.options import MODELS

TARGET = "interp_target"
"""The fixture whose value says what a test runs on."""

NAMED = pytest.StashKey[set[str]]()
"""The models that collected tests have asked for, deselected ones too."""
_MARKER = (
    "interp(model=..., backends=..., device=..., dtype=..., remote=..., other_model=False): run "
    "this test on a model, or on each of a list, under these backends (transformer_lens, nnsight; "
    "by default those installed), on this device in this dtype, unless the run asks for others, "
    "its runs made at remote (ndif, the address of a server, or local) where that is given; with "
    "other_model=True its claims may be about another model or backend"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[NAMED] = set()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a model on each of its models, under each of its backends."""
    if TARGET not in metafunc.fixturenames or not _parametrizable(metafunc):
        return
    try:
        params = list(_params(metafunc))
    except InterpError as error:
        path, line, name = metafunc.definition.location
        message = f"{path}:{(line or 0) + 1}: {name}: {error}"
        raise pytest.Collector.CollectError(message) from error
    # without any it is not an error yet: somebody else may give this test its model, as a conftest
    # by an argument of that name. Where nobody does, the fixture fails
    if params:
        metafunc.parametrize(TARGET, params, indirect=True, scope="session")


def _params(metafunc: pytest.Metafunc) -> Iterator[Any]:
    marked = read_marker(metafunc.definition)
    settings = metafunc.config.stash[MODELS].settings
    names = marked.models or settings.default_models
    metafunc.config.stash[NAMED].update(names)
    # a test that asks for the weights alone runs once, whatever the backends
    needs_backend = "adapter" in metafunc.fixturenames or "model" not in metafunc.fixturenames
    for model in names:
        find_model(settings.source_of(model))
        backends = settings.backends_of(model, marked.backends) if needs_backend else (None,)
        for backend in backends or marked.backends:
            target = Target(model, backend, marked.device, marked.dtype, marked.remote)
            run = ", ".join(settings.backends)
            reason = f"asks for the backend {backend}, and this run is restricted to {run}"
            marks = () if backends else pytest.mark.skip(reason=reason)
            yield pytest.param(target, id=str(target), marks=marks)


def _parametrizable(metafunc: pytest.Metafunc) -> bool:
    """Whether the fixture in use is ours: a conftest may override it, a test parametrize it."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        if TARGET in (names.replace(",", " ").split() if isinstance(names, str) else names):
            return False
    for fixture in reversed(metafunc._arg2fixturedefs[TARGET]):
        if fixture.func.__module__ == "pytest_interp.plugin.fixtures":
            return True
        if TARGET not in fixture.argnames:
            return False
    return False


def target_of(item: pytest.Item | None) -> Target | None:
    """What a parametrized test runs on."""
    callspec = getattr(item, "callspec", None)
    target = callspec.params.get(TARGET) if callspec else None
    return target if isinstance(target, Target) else None


def model_of(item: pytest.Item | None) -> str | None:
    """The model that a parametrized test runs on."""
    target = target_of(item)
    return target.model if target else None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Group the tests of one model, so that one model at a time is in memory."""
    # other tests stay behind the one that they follow in their file: noted before anybody sorts,
    # since pytest puts tests without a parameter last in some of its versions
    models: dict[pytest.Item, str | None] = {}
    model = next(filter(None, map(model_of, items)), None)
    for item in items:
        models[item] = model = model_of(item) or model
    yield
    groups: dict[str | None, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(models.get(item, model), []).append(item)
    items[:] = [item for group in groups.values() for item in group]
