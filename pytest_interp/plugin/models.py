"""Fixtures of models and experiments: models are loaded once and released after their last test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.adapters.backends import backend_names, open_adapter
from pytest_interp.errors import WeightsUnavailableError
from pytest_interp.plugin.calls import Lens, Trace
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.session import Target
from pytest_interp.plugin.targets import TARGET, model_of

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.adapters.weights import Weights

_PENDING = pytest.StashKey[dict[str, set[str]]]()
_ACTIVE = pytest.StashKey[Callable[[], None]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which tests need which model, and refuse a checkpoint for a model that nobody knows."""
    pending: dict[str, set[str]] = {}
    for item in session.items:
        model = model_of(item)
        if model is not None:
            pending.setdefault(model, set()).add(item.nodeid)
    session.config.stash[_PENDING] = pending


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """After the last test of a model, let go of it."""
    try:
        yield
    finally:
        model = model_of(item)
        if model is not None:
            waiting = item.config.stash[_PENDING].get(model, set())
            waiting.discard(item.nodeid)
            # a worker of xdist does not know which tests others take: it goes by the next one
            is_worker = hasattr(item.config, "workerinput")
            if not waiting or (is_worker and model_of(nextitem) not in (None, model)):
                _release(item.config, model)


def _release(config: pytest.Config, model: str) -> None:
    finish = config.stash.get(_ACTIVE, None)
    if finish is not None:
        finish()
    config.stash[MODELS].release(model)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: Any
) -> Generator[None, object, object]:
    """Remember how to end the target, and with it every fixture that holds its model."""
    if fixturedef.argname == TARGET:
        request.config.stash[_ACTIVE] = lambda: fixturedef.finish(request)
    return (yield)


@contextmanager
def _missing_weights_skip(item: pytest.Item) -> Iterator[None]:
    try:
        yield
    except WeightsUnavailableError as error:
        if item.config.stash[MODELS].settings.strict:
            raise
        reason = " ".join(str(error).split())
        raise pytest.skip.Exception(reason, _use_item_location=True) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Skip a test whose weights are not here."""
    with _missing_weights_skip(item):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Skip a test that finds its weights missing, and keep what it ran on for the reports."""
    adapter = getattr(item, "funcargs", {}).get("adapter")
    if adapter is not None:
        item.user_properties.append(("interp_model", adapter.name))
        item.user_properties.append(("interp_backend", adapter.backend))
    with _missing_weights_skip(item):
        yield


_NO_TARGET = """\
this test runs on a model but none is named. Mark it with @pytest.mark.interp(model="..."), set
interp_model in the ini file, or give --interp-model NAME.
If it is marked: a test runs once for each model and backend only when its own arguments name the
fixture. request.getfixturevalue() comes too late for that, and a unittest.TestCase cannot do it."""


@pytest.fixture(scope="session")
def interp_target(request: pytest.FixtureRequest) -> Target:
    """What this test runs on: ``.model`` and ``.backend``, by name.

    Tests are parametrized over it. Override it to choose by yourself.
    """
    if not hasattr(request, "param"):
        pytest.fail(_NO_TARGET, pytrace=False)
    target: Target = request.param
    return target


@pytest.fixture(scope="session")
def model(interp_target: Target, pytestconfig: pytest.Config) -> Weights:
    """The weights of this test's model: ``.module`` (a Hugging Face model) and ``.tokenizer``.

    Loaded once a session and shared by both backends. A test that asks for this alone runs once
    a model, not once a backend.
    """
    target = interp_target
    return pytestconfig.stash[MODELS].weights(target.model, target.device, target.dtype)


@pytest.fixture(scope="session")
def adapter(model: Weights, interp_target: Target) -> ModelAdapter:
    """The model under one backend, for ``run`` and for every experiment.

    A test that asks for it runs once for each model and backend: name them with
    ``@pytest.mark.interp(model="smollm2-135m", backends=["nnsight"])``.
    """
    return open_adapter(model, interp_target.backend or backend_names()[0])


@pytest.fixture
def lens(
    adapter: ModelAdapter,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> Lens:
    """Run the logit lens: ``lens("The capital of France is", " Paris").crossover_layer``.

    Arguments are those of ``pytest_interp.logit_lens`` without the adapter; a ``FactSet`` in
    place of prompt and answer gives a ``LensSet``. Equal calls are computed once a session.
    """
    return Lens(pytestconfig.stash[MODELS], adapter, record_property)


@pytest.fixture
def trace(
    adapter: ModelAdapter,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> Trace:
    """Run a causal trace: ``trace(FactPrompt(...), site="resid_post", direction="denoise")``.

    Arguments are those of ``pytest_interp.causal_trace`` without the adapter; a ``FactSet`` in
    place of a fact gives a ``TraceSet``. Equal calls are computed once a session.
    """
    return Trace(pytestconfig.stash[MODELS], adapter, record_property)
