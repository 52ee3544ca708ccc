"""A spec on a planted model, for the runs of pytest inside these tests."""

from __future__ import annotations

import gc

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
