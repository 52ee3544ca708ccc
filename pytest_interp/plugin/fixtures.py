"""The fixtures of models and experiments."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_interp.adapters.backends import backend_names
from pytest_interp.plugin.asked import Target
from pytest_interp.plugin.calls import Lens, Trace
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.properties import record_result

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.adapters.weights import Weights

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

    Loaded once per session and shared by both backends. A test that asks for this alone runs once
    per model, not per backend. To change them, take ``model.copy()``: a test that leaves the shared
    ones changed fails, and the next one gets them anew.
    """
    return pytestconfig.stash[MODELS].target_weights(interp_target)


@pytest.fixture(scope="session")
def adapter(model: Weights, interp_target: Target, pytestconfig: pytest.Config) -> ModelAdapter:
    """The model under one backend, for ``run`` and for every experiment.

    A test that asks for it runs once for each model and backend: name them with
    ``@pytest.mark.interp(model="smollm2-135m", backends=["nnsight"])``.
    """
    backend = interp_target.backend or backend_names()[0]
    models = pytestconfig.stash[MODELS]
    return models.target_adapter(model, backend, interp_target.remote)


@pytest.fixture
def lens(adapter: ModelAdapter, request: pytest.FixtureRequest) -> Lens:
    """Run the logit lens: ``lens("The capital of France is", " Paris").crossover_layer``.

    Arguments are those of ``pytest_interp.logit_lens`` without the adapter; a ``FactSet`` in
    place of prompt and answer gives a ``LensSet``. Equal calls are computed once per session.
    """
    return Lens(request.config.stash[MODELS], adapter, partial(record_result, request.node))


@pytest.fixture
def trace(adapter: ModelAdapter, request: pytest.FixtureRequest) -> Trace:
    """Run a causal trace: ``trace(FactPrompt(...), site="resid_post", direction="denoise")``.

    Arguments are those of ``pytest_interp.causal_trace`` without the adapter; a ``FactSet`` in
    place of a fact gives a ``TraceSet``. Equal calls are computed once per session.
    """
    return Trace(request.config.stash[MODELS], adapter, partial(record_result, request.node))
