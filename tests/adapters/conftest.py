"""Adapters over tiny random models and SmolLM2, on every backend."""

from __future__ import annotations

from functools import cache

import pytest
from tiny import ARCHITECTURES, tiny_weights

from pytest_interp.adapters import BACKENDS, ModelAdapter, open_adapter
from pytest_interp.models import load_model

MODELS = (*ARCHITECTURES, "smollm2-135m")


@cache
def adapter_of(model: str, backend: str) -> ModelAdapter:
    if model in ARCHITECTURES:
        return open_adapter(tiny_weights(model), backend)
    return load_model(model, backend, device="cpu", dtype="float32")


@pytest.fixture(params=BACKENDS, scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=MODELS, scope="session")
def anatomy(request: pytest.FixtureRequest, backend: str) -> ModelAdapter:
    """Every architecture and one real model, on every backend."""
    return adapter_of(request.param, backend)


@pytest.fixture(params=ARCHITECTURES, scope="session")
def tiny(request: pytest.FixtureRequest, backend: str) -> ModelAdapter:
    """Every architecture as a tiny random model, on every backend."""
    return adapter_of(request.param, backend)
