"""Adapters over tiny random models and SmolLM2, on every backend and on one from outside."""

from __future__ import annotations

import pytest
from architectures import BUILD
from tiny import ARCHITECTURES, adapter_of

from pytest_interp.adapters import ModelAdapter, backend_names, register_backend
from pytest_interp.errors import NotAModelError
from pytest_interp.registry import restored

with restored():  # it is one of the backends in these tests alone
    from interp_example.backend import PLAIN_HOOKS


@pytest.fixture(params=[*backend_names(), PLAIN_HOOKS.name], scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(autouse=True)
def _backend_from_outside(own_registries) -> None:
    register_backend(PLAIN_HOOKS)


def _opened(model: str, backend: str) -> ModelAdapter:
    with restored():
        register_backend(PLAIN_HOOKS)
        try:
            return adapter_of(model, backend)
        except NotAModelError as problem:
            pytest.skip(str(problem))  # test_architectures.py says which these are


# test_architectures.py asks the same of the others in short
TINY = [
    pytest.param(name, marks=[] if name in ARCHITECTURES else pytest.mark.slow) for name in BUILD
]


@pytest.fixture(
    params=[*TINY, pytest.param("smollm2-135m", marks=pytest.mark.slow)], scope="session"
)
def anatomy(request: pytest.FixtureRequest, backend: str) -> ModelAdapter:
    """Every architecture and one real model, on every backend."""
    return _opened(request.param, backend)


@pytest.fixture(params=TINY, scope="session")
def tiny(request: pytest.FixtureRequest, backend: str) -> ModelAdapter:
    """Every architecture as a tiny random model, on every backend."""
    return _opened(request.param, backend)
