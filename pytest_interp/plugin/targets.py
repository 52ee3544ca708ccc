"""On what a test runs: one case for each model and backend, the cases of a model together."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_interp.errors import InterpError, UnknownNameError
from pytest_interp.models.registry import find_model, model_names
from pytest_interp.plugin.marker import collect_error, read_marker
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.session import RunOptions, Target

TARGET = "interp_target"
"""The fixture whose value says what a test runs on."""
FIXTURES = "pytest_interp.plugin.fixtures"
"""The module in which it is defined."""

_NAMED = pytest.StashKey[set[str]]()
"""The models that tests have asked for."""
_MARKER = (
    "interp(model=..., backends=..., device=..., dtype=...): run this test on a model, or on each "
    "of a list, under these backends (transformer_lens, nnsight; by default those installed), on "
    "this device in this dtype, unless the run asks for others"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_NAMED] = set()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a model on each of its models, under each of its backends."""
    if TARGET not in metafunc.fixturenames or not _parametrizable(metafunc):
        return
    definition = metafunc.definition
    marked = read_marker(definition)
    settings = metafunc.config.stash[MODELS].settings
    names = marked.models or settings.default_models
    if not names:
        # not an error yet: somebody else may give this test its model, a conftest by an argument
        # of that name. Where nobody does, the fixture says so
        return
    # a test that asks for the weights alone runs once, whatever the backends
    needs_backend = "adapter" in metafunc.fixturenames or "model" not in metafunc.fixturenames
    metafunc.config.stash[_NAMED].update(names)
    params = []
    for model in names:
        try:
            find_model(settings.source_of(model))
            backends = settings.backends_of(model, marked.backends) if needs_backend else (None,)
        except InterpError as error:
            raise collect_error(definition, str(error)) from error
        params += [
            _param(Target(model, backend, marked.device, marked.dtype)) for backend in backends
        ]
        if not backends:
            params += [_left_out(Target(model, backend), settings) for backend in marked.backends]
    metafunc.parametrize(TARGET, params, indirect=True, scope="session")


def _parametrizable(metafunc: pytest.Metafunc) -> bool:
    """Whether the fixture in use is ours: a conftest may override it, a test parametrize it."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        if TARGET in (names.replace(",", " ").split() if isinstance(names, str) else names):
            return False
    for fixture in reversed(metafunc._arg2fixturedefs[TARGET]):
        if fixture.func.__module__ == FIXTURES:
            return True
        if TARGET not in fixture.argnames:
            return False
    return False


def _param(target: Target, *marks: pytest.MarkDecorator) -> Any:
    return pytest.param(target, id=str(target), marks=marks)


def _left_out(target: Target, settings: RunOptions) -> Any:
    run = ", ".join(settings.backends)
    reason = f"asks for the backend {target.backend}, and this run is restricted to {run}"
    return _param(target, pytest.mark.skip(reason=reason))


def model_of(item: pytest.Item | None) -> str | None:
    """The model that a parametrized test runs on."""
    callspec = getattr(item, "callspec", None)
    target = callspec.params.get(TARGET) if callspec else None
    return target.model if isinstance(target, Target) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests of one model, so that one model at a time is in memory."""
    place: dict[str, int] = {}
    keys: list[int] = []
    for item in items:
        model = model_of(item)
        if model is not None:
            keys.append(place.setdefault(model, len(place)))
        else:  # other tests stay behind the one that they followed
            keys.append(keys[-1] if keys else 0)
    order = sorted(range(len(items)), key=keys.__getitem__)
    items[:] = [items[i] for i in order]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a checkpoint for a model that nobody knows: nothing would run on it."""
    named = session.config.stash[_NAMED]
    for model in session.config.stash[MODELS].settings.checkpoints:
        if model not in named and model not in model_names():
            unknown = UnknownNameError.of("model", model, {*named, *model_names()})
            message = f"--interp-model {model}=...: {unknown}"
            if not hasattr(session.config, "workerinput"):
                raise pytest.UsageError(message)
            # an error here would take a worker of xdist down; this ends the whole run
            session.shouldfail = message
