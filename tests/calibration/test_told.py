"""No false claim about labelled prompts passes and no true one fails, on models that are known."""

from collections import Counter
from itertools import islice

import pytest

from benchmarks.calibration import calibrate_told, table
from benchmarks.calibration.outcomes import decided
from benchmarks.calibration.told_claims import Questions
from benchmarks.calibration.told_oracle import ToldCase
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.planted import planted_told_model


@pytest.mark.guarantee(
    "green",
    "No false claim about the labelled prompts of a planted model passes, and no true one fails.",
    sees="A verdict that fails, is inconclusive, or is refused.",
)
def test_no_false_pass_and_no_false_fail_of_what_is_read():
    """One model under one backend, and the claims that change nothing in it."""
    model = planted_told_model("gpt2", n_persons=24)
    adapter = open_adapter(Weights("planted", model.module, model.tokenizer, "planted"), "nnsight")
    blank = ToldCase("", "gpt2", "gated", "nnsight", False, "")
    found = list(decided(blank, islice(Questions.of(model).claims(adapter), 30)))
    assert len(found) == 30
    assert {case.true for case in found} == {True, False}
    assert not [case for case in found if case.false_pass or case.false_fail]


@pytest.fixture(scope="module")
def cases():
    # every eleventh model; the whole grid is `python -m benchmarks.calibration --only told`
    return calibrate_told(share=11)


@pytest.mark.slow
@pytest.mark.guarantee(
    "green",
    "No false claim about the labelled prompts of a planted model passes, and no true one fails.",
    sees="A verdict that fails, is inconclusive, or is refused.",
)
def test_no_false_pass_and_no_false_fail(cases):
    wrong = [case for case in cases if case.false_pass or case.false_fail]
    assert not wrong, f"{table(cases)}\n" + "\n".join(map(str, wrong[:20]))


@pytest.mark.slow
def test_hardly_any_true_claim_is_left_open(cases):
    true = [case for case in cases if case.true]
    assert len(true) > 100
    assert sum(case.left_open for case in true) < 0.05 * len(true)


@pytest.mark.slow
def test_each_claim_is_asked_where_it_is_true_and_where_it_is_false(cases):
    true, false = (Counter(c.claim for c in cases if c.true == side) for side in (True, False))
    for what in (
        "decodable",
        "commits later",
        "separates",
        "dose-response",
        "projecting",
        "side",
        "sharpens",
    ):
        for counted in (true, false):
            assert any(what in claim for claim in counted), what
