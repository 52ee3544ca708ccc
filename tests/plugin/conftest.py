"""A spec on a planted model, for the runs of pytest inside these tests."""

from __future__ import annotations

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
