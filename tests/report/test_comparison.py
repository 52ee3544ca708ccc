"""Two runs of the same specs: which claims survive, break or drift."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_runs import a_claim, a_result, a_run, a_test

from pytest_interp.models.changes import TensorChange, TensorChanges
from pytest_interp.report.comparison.pairs import compare_runs
from pytest_interp.report.comparison.words import as_text, headline

NAMES = ("smollm2", "step-2000")
DAMAGED = TensorChanges(272, (TensorChange("layers.5.mlp.down_proj", "all zero", 1.0),))


def compared(before, after, tensors=None):
    return compare_runs(a_run(*before), a_run(*after), NAMES, tensors)


def fate(before, after):
    """Of one claim."""
    sides = ([] if claim is None else [claim] for claim in (before, after))
    old, new = (
        a_test(outcome=side[0].status if side else "error", claims=side, message="broke")
        for side in sides
    )
    found = compared([old], [new]).claims
    return next(pair.fate for pair in found if "subject" in pair.claim)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (a_claim(), a_claim(), "survives"),
        (a_claim(margin=0.2), a_claim(margin=0.19), "survives"),
        (a_claim(margin=0.2), a_claim(margin=0.17), "drifts"),
        (a_claim(margin=0.2), a_claim(margin=0.4), "drifts"),
        (a_claim(margin=None), a_claim(margin=None), "survives"),
        (a_claim(), a_claim("failed", margin=-0.4), "breaks"),
        (a_claim(), a_claim("inconclusive", margin=-0.01), "undecided"),
        (a_claim(), None, "lost"),
        (a_claim("failed", margin=-0.4), a_claim(), "mended"),
        (a_claim("inconclusive"), a_claim("failed"), "never held"),
        (a_claim("failed"), None, "never held"),
        (None, a_claim(), "mended"),
    ],
)
def test_what_becomes_of_a_claim(before, after, expected):
    assert fate(before, after) == expected


def test_a_test_of_plain_asserts_is_a_claim_by_its_docstring():
    held = a_test(about="Paris comes last.")
    failed = a_test("test_a", "failed", about="Paris comes last.", message="\nassert 27 <= 23")
    (pair,) = compared([held], [failed]).claims
    assert (pair.claim, pair.fate) == ("Paris comes last.", "breaks")
    assert pair.after.headline == "failed: assert 27 <= 23"


def test_an_assert_that_fails_beside_claims_that_hold_is_a_claim_too():
    held = a_test(claims=[a_claim()])
    failed = a_test(outcome="failed", claims=[a_claim()], message="assert 27 <= 23")
    assert {p.claim: p.fate for p in compared([held], [failed]).claims} == {
        "the fact sits on the subject": "survives",
        "A": "breaks",
    }


def test_a_claim_that_must_not_hold_is_a_claim_of_its_test():
    refused, held = a_claim("inconclusive", claim="of shuffled weights"), a_claim()
    control = a_test("test_a_control", claims=[refused])
    (pair,) = compared([control], [control]).claims
    assert (pair.claim, pair.fate) == ("A control", "survives")
    broken = a_test("test_a_control", "failed", [replace(refused, status="passed")])
    assert {p.claim: p.fate for p in compared([control], [broken]).claims} == {
        "A control": "breaks",
        "of shuffled weights": "mended",
    }
    both = a_test("test_a_control", claims=[refused, held])
    assert [p.claim for p in compared([both], [both]).claims] == [held.claim]


def test_a_small_margin_does_not_drift_by_noise():
    before, after = (a_claim(margin=margin, value=0.82) for margin in (0.021, 0.031))
    assert fate(before, after) == "survives"
    assert fate(before, a_claim(margin=0.06, value=0.86)) == "drifts"


def test_equal_words_in_one_test_are_told_apart():
    before = a_test(claims=[a_claim(), a_claim()])
    after = a_test(outcome="failed", claims=[a_claim(), a_claim("failed", margin=-1)])
    assert [pair.fate for pair in compared([before], [after]).claims] == ["breaks", "survives"]


def test_backends_that_came_to_the_same_are_one_line():
    backends = ("transformer_lens", "nnsight")
    before = [a_test(claims=[a_claim()], backend=b) for b in backends]
    broken = [
        a_test(outcome="failed", claims=[a_claim("failed", margin=-1)], backend=b) for b in backends
    ]
    (pair,) = compared(before, broken).claims
    assert pair.backends == backends
    assert len(compared(before, [broken[0], before[1]]).claims) == 2


def test_a_test_that_is_skipped_on_both_sides_is_counted_with_its_reason():
    skipped = a_test(outcome="skipped", message="no weights of gpt2")
    found = compared([skipped], [skipped])
    assert (found.claims, found.skipped) == ((), {"no weights of gpt2": 1})
    assert "1 tests skipped on both sides: no weights of gpt2" in as_text(found)
    assert [p.fate for p in compared([a_test(claims=[a_claim()])], [skipped]).claims] == ["lost"]


READINGS = (
    {"name": "preference", "value": 7.74, "unit": "logits", "says": "prefers ' Paris' to ' Rome'"},
    {"name": "hand-off", "value": 23, "unit": "layer"},
)
AFTER = ({**READINGS[0], "value": 6.98}, READINGS[1])


@pytest.mark.guarantee(
    "messages",
    "Two checkpoints are compared claim by claim, in the words of the results; the numbers that "
    "moved are counted and not listed.",
    sees="still prefers ' Paris' to ' Rome', 7.7 to 7.0 logits; hand-off unchanged at layer 23",
)
def test_a_comparison_says_the_claims_and_counts_the_numbers():
    before = a_test(claims=[a_claim()], results=[a_result(readings=READINGS, result={"x": [1.0]})])
    after = a_test(
        outcome="failed",
        claims=[a_claim("failed", margin=-0.49, value=0.31)],
        results=[a_result(readings=AFTER, result={"x": [0.9]})],
    )
    found = compared([before], [after], DAMAGED)
    assert as_text(found, 200).splitlines() == [
        "smollm2 -> step-2000: of 1 claim: 1 breaks",
        "weights: 1 of 272 tensors differs: layers.5.mlp.down_proj, all zero",
        "",
        "breaks (1)",
        "  specs/test_a.py::test_a (transformer_lens): the fact sits on the subject",
        "    before: passed: 1.000 at layer 7, claimed at least 0.80, margin +0.200",
        "    after:  failed: 0.310 at layer 7, claimed at least 0.80, margin -0.490",
        "    still prefers ' Paris' to ' Rome', 7.7 to 7.0 logits; hand-off unchanged at layer 23",
        "",
        "numbers: 1 of 1 values differ; --json has them",
    ]
    assert found.is_worse
    assert max(map(len, as_text(found, 80).splitlines())) <= 80


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (7.74, -0.3, "no longer prefers it, 7.7 to -0.3 logits"),
        (-1.0, 2.0, "now prefers it, -1.0 to 2.0 logits"),
        (-1.0, -2.0, "still not: prefers it, -1.0 to -2.0 logits"),
        (7.741, 7.742, "still prefers it, 7.741 to 7.742 logits"),
        (7.5, None, "no preference any more, was 7.5 logits"),
    ],
)
def test_a_preference_in_words(before, after, said):
    reading = {"name": "preference", "unit": "logits", "says": "prefers it"}
    sides = [
        a_test(results=[a_result(readings=[reading | {"value": value}])])
        for value in (before, after)
    ]
    (pair,) = compared(*([side] for side in sides)).results
    assert pair.readings == (said,)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (23, 25, "hand-off moved from layer 23 to 25"),
        (23, None, "no hand-off any more, was layer 23"),
        (None, 23, "hand-off at layer 23, was none"),
        (None, None, "no hand-off, on neither side"),
    ],
)
def test_a_layer_in_words(before, after, said):
    sides = [
        a_test(results=[a_result(readings=[{**READINGS[1], "value": value}])])
        for value in (before, after)
    ]
    (pair,) = compared(*([side] for side in sides)).results
    assert pair.readings == (said,)


def test_text_of_prompts_cannot_move_the_cursor():
    test = a_test(claims=[a_claim(claim="a \x1b[31m b\n# c")])
    assert "\x1b" not in as_text(compared([test], [test]))
    assert "a \\x1b[31m b\\n# c" in as_text(compared([test], [test]))


def test_nothing_in_common_is_said():
    assert headline(compared([], [])) == "no claim was measured on both sides"
