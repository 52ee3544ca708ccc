"""No false claim about a planted circuit passes and no true one fails."""

from collections import Counter

import pytest

from benchmarks.calibration import CIRCUIT_MODELS, calibrate_circuits, table
from benchmarks.calibration.circuits import circuit_cases_of

# one model; the whole grid is `python -m benchmarks.calibration --only circuits`
INDUCTION = next(m for m in CIRCUIT_MODELS if (m["name"], m["arch"]) == ("induction", "llama"))


@pytest.fixture(scope="module")
def cases():
    return circuit_cases_of(INDUCTION, backends=["nnsight"], n_facts=8)


@pytest.mark.guarantee(
    "green",
    "No false claim about a planted circuit passes, and no true one fails.",
    sees="A verdict that fails, is inconclusive, or is refused.",
)
def test_no_false_pass_and_no_false_fail(cases):
    wrong = [case for case in cases if case.false_pass or case.false_fail]
    assert not wrong, f"{table(cases)}\n" + "\n".join(map(str, wrong[:20]))


@pytest.mark.slow
@pytest.mark.guarantee(
    "green",
    "No false claim about a planted circuit passes, and no true one fails.",
    sees="A verdict that fails, is inconclusive, or is refused.",
)
def test_nor_on_other_circuits():
    # every seventh: each kind of model, and each architecture
    cases = calibrate_circuits(share=7)
    wrong = [case for case in cases if case.false_pass or case.false_fail]
    assert not wrong, f"{table(cases)}\n" + "\n".join(map(str, wrong[:20]))


def test_few_true_claims_are_left_open(cases):
    true = [case for case in cases if case.true]
    assert len(true) > 30
    assert sum(case.left_open for case in true) < 0.2 * len(true)


def test_each_claim_is_asked_where_it_is_true_and_where_it_is_false(cases):
    true, false = (Counter(c.claim for c in cases if c.true == side) for side in (True, False))
    for what in ("falls", "kept", "itself", "looks there", "induction head", "faithful"):
        for counted in (true, false):
            assert any(what in claim for claim in counted), what
