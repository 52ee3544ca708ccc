"""Adapters over tiny random models and SmolLM2, on every backend."""

from __future__ import annotations

import pytest
from tiny import ARCHITECTURES, MODELS, adapter_of

from pytest_interp.adapters import ModelAdapter, backend_names


@pytest.fixture(params=backend_names(), scope="session")
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
