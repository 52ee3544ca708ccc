"""No false claim about a path of a planted circuit passes and no true one fails."""

import pytest

from benchmarks.calibration.circuit_oracle import CircuitOracle
from benchmarks.calibration.circuit_path_claims import path_claims
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.claims import Status
from pytest_interp.planted import planted_two_step_model


@pytest.mark.guarantee(
    "green",
    "No false claim about a planted circuit passes, and no true one fails.",
    sees="A verdict that fails, is inconclusive, or is refused.",
)
@pytest.mark.parametrize("backend", backend_names())
def test_a_path_is_claimed_where_it_is_and_where_it_is_not(backend):
    model = planted_two_step_model("llama", through="key")
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    claims = [*path_claims(CircuitOracle(model, model.facts), open_adapter(weights, backend))]
    assert {true for _, true, _ in claims} == {True, False}
    for text, true, check in claims:
        assert (check().status is Status.PASSED) == true, text
