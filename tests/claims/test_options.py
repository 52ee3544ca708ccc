"""What a test run does with undecided claims, and how a crossover explains itself."""

import json

import pytest

UNDECIDED = """
import numpy as np
from pytest_interp import FactPrompt, assert_sufficient
from pytest_interp.options import TraceOptions
from pytest_interp.results import TraceResult

def made(clean, corrupt):
    return TraceResult(
        fact=FactPrompt(
            clean_prompt="a b", corrupt_prompt="c b", answer=" x", counterfactual_answer=" y"),
        options=TraceOptions(), layers=(0, 1), str_tokens=("a", "b"),
        corrupt_str_tokens=("c", "b"), corrupted_positions=(0,), subject_positions=(0,),
        clean_metric=clean, corrupt_metric=corrupt, patched_metric=np.full((2, 2), clean))
"""
TEST = (
    UNDECIDED
    + """
def test_unknown_fact():
    assert_sufficient(made(-1.0, -3.0), "resid_post@subject", 0)
"""
)


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ([], {"failed": 1}),
        (["--interp-inconclusive=fail"], {"failed": 1}),
        (["--interp-inconclusive=skip"], {"skipped": 1}),
        (["--interp-inconclusive=xfail"], {"xfailed": 1}),
    ],
)
def test_inconclusive_claim(pytester, options, outcome):
    pytester.makepyfile(TEST)
    pytester.runpytest(*options).assert_outcomes(**outcome)


IN_FIXTURES = (
    UNDECIDED
    + """
import pytest

@pytest.fixture(scope="module")
def before():
    assert_sufficient(made(-1.0, -3.0), "resid_post@subject", 0)

@pytest.fixture
def after():
    yield
    assert_sufficient(made(-1.0, -3.0), "resid_post@last", 1)

def test_before(before): ...
def test_before_again(before): ...
def test_after(after): ...
"""
)
REASON = "*knows 0 of 1 facts*'a b': the model does not prefer ' x'*claim: resid_post@subject is *"


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("fail", {"errors": 3, "passed": 1}),
        ("skip", {"skipped": 3, "passed": 1}),
        ("xfail", {"xfailed": 3, "passed": 1}),
    ],
)
def test_inconclusive_claims_in_fixtures(pytester, mode, outcome):
    pytester.makepyfile(IN_FIXTURES)
    result = pytester.runpytest(f"--interp-inconclusive={mode}", "-rsx")
    result.assert_outcomes(**outcome)
    if mode != "fail":
        # what is undecided, and of which claim and fact
        result.stdout.fnmatch_lines([REASON])


def test_ini_twin_and_command_line_over_it(pytester):
    pytester.makepyfile(TEST)
    pytester.makeini("[pytest]\ninterp_inconclusive = skip\n")
    pytester.runpytest().assert_outcomes(skipped=1)
    pytester.runpytest("--interp-inconclusive=xfail").assert_outcomes(xfailed=1)


def test_wrong_ini_value_is_refused(pytester):
    pytester.makepyfile(TEST)
    pytester.makeini("[pytest]\ninterp_inconclusive = maybe\n")
    result = pytester.runpytest()
    result.stderr.fnmatch_lines(["*interp_inconclusive = 'maybe'*fail, skip, xfail*"])


def test_false_claim_fails_in_every_mode(pytester):
    pytester.makepyfile(
        UNDECIDED
        + """
def test_false():
    assert_sufficient(made(3.0, -3.0), "resid_post@subject", 0, at_least=1.5)
"""
    )
    result = pytester.runpytest("--interp-inconclusive=skip")
    result.assert_outcomes(failed=1)
    # the failing line is that of the spec, not one inside of this package
    result.stdout.fnmatch_lines(
        [">*assert_sufficient(made(3.0*", "E*ClaimFailed: failed: 1.000 at *"]
    )


def test_crossover_explains_itself_in_a_plain_assert(pytester):
    pytester.makepyfile(
        """
from types import SimpleNamespace
from pytest_interp.results.crossover import ReachedLayer

def test_layer():
    layer = ReachedLayer(2, SimpleNamespace(answer=" Paris", layers=[0, 1, 2],
        answer_prob=[0.0, 0.1, 0.8], answer_rank=[9, 3, 0],
        answer_margin=[-4.0, -1.5, 2.25], top_token=["a", "b", " Paris"]))
    assert layer <= 1
"""
    )
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(
        ["E*assert 2 <= 1", "E*' Paris' is the top token from layer 2", "E*-1.50*", "E*+2.25*"]
    )


def test_a_layer_that_is_never_reached_fails_every_assert_and_says_why(pytester):
    pytester.makepyfile(
        """
from types import SimpleNamespace
from pytest_interp.results.crossover import NeverReached

NEVER = NeverReached(SimpleNamespace(answer=" Paris", layers=[0, 1], answer_prob=[0.0, 0.0],
    answer_rank=[1, 1], answer_margin=[1.0, 1.0], top_token=["a", "b"]))

def test_below(): assert NEVER <= 7
def test_above(): assert 7 >= NEVER
def test_equal(): assert NEVER == 7
def test_not_in(): assert NEVER not in (7,)
def test_true(): assert NEVER
def test_false(): assert not NEVER
def test_sum(): assert NEVER + 1 <= 7
"""
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=7)
    result.stdout.fnmatch_lines(["E*assert never <= 7", "E*' Paris' is never the top token"])
    result.stdout.fnmatch_lines(["E*assert 7 >= never", "E*' Paris' is never the top token"])
    for name in ("equal", "not_in", "true", "false", "sum"):
        # the failing line is that of the test
        lines = [
            f"__* test_{name} *",
            f"> *def test_{name}(): assert *",
            "E*never the top token, so*",
        ]
        result.stdout.fnmatch_lines(lines)


def test_verdicts_are_kept_for_reports(pytester):
    pytester.makepyfile(
        UNDECIDED
        + """
def test_true():
    assert_sufficient(made(3.0, -3.0), "resid_post@subject", 0)
"""
    )
    reports = pytester.inline_run().getreports("pytest_runtest_logreport")
    (verdict,) = [
        value
        for r in reports
        if r.when == "call"
        for name, value in r.user_properties
        if name == "interp_verdict"
    ]
    verdict = json.loads(verdict)
    assert (verdict["status"], verdict["scope"]) == ("passed", "existence, n = 1")
