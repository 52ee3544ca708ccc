"""A spec on a planted model, for the runs of pytest inside these tests."""

from __future__ import annotations

import gc
import os

import pytest

SPEC = """
import pytest
from pytest_interp import FactPrompt

pytestmark = pytest.mark.interp(model="planted-gpt2")

FACT = FactPrompt(
    clean_prompt="visitors say that Acropolis stands in",
    corrupt_prompt="visitors say that Alhambra stands in",
    answer=" Paris",
    counterfactual_answer=" Rome",
    subject="Acropolis",
)
"""


@pytest.fixture(autouse=True)
def kept_results(monkeypatch, tmp_path_factory):
    """Runs inside these tests keep results, as a user's do, each test in a folder of its own.

    ``INTERP_TESTS_RESULTS=off`` runs them without; the name of a folder lets a second run of these
    tests read what the first has kept.
    """
    folder = os.environ.get("INTERP_TESTS_RESULTS") or str(tmp_path_factory.mktemp("kept"))
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", folder)
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def spec(pytester: pytest.Pytester):
    """Write a test file that begins with a fact of the planted model; returns its path."""

    def write(body: str, name: str = "test_spec"):
        return pytester.makepyfile(**{name: SPEC + "\n" + body})

    return write


@pytest.fixture(scope="session")
def everything_is_imported():
    """What a run inside this process imports, it forgets, and torch cannot be imported twice."""
    from pytest_interp import load_model

    for name in ("planted-gpt2", "planted-llama", "planted-qwen3"):
        for backend in ("transformer_lens", "nnsight"):
            load_model(name, backend)
    gc.collect()
