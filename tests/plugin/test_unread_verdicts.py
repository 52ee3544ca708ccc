"""A verdict that a test made and that nobody looked at is warned of at the end of the test."""

from __future__ import annotations

import gc

import pytest

from pytest_interp.claims import Status, Verdict, asserting, checking, hearing
from pytest_interp.claims.unread import noting

UNREAD = pytest.mark.guarantee(
    "green",
    "A verdict that a test makes with check_* and that nobody looks at does not pass unnoticed.",
    sees="UnreadVerdictWarning with the line of the check and what it found; an error under -W "
    "error",
)
HEAD = """
from pathlib import Path

import pytest
from pytest_interp.claims import Status, Verdict, asserting, checking, conclude, decide
from pytest_interp.claims import check_fact_localized, register_claim

CLAIM = ("resid_post@subject", (0, 4))  # holds up to layer 3
"""
IN = "experiment: causal_trace\nmodel: planted-gpt2\nbackends: [nnsight]\n"


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported():
    """What a run inside this process imports, it forgets, and torch cannot be imported twice."""
    import pytest_interp.figures.render
    import pytest_interp.specs.running
    import pytest_interp.stats  # noqa: F401
    from pytest_interp import load_model

    load_model("planted-gpt2", "nnsight")
    gc.collect()


@pytest.fixture
def run(pytester, spec):
    """Run a spec under one backend; with what each unread verdict was warned with."""

    def run(body, *args):
        spec(HEAD + body)
        fixed = ("-p", "no:cacheprovider", "-p", "no:xdist", "-W", "default")
        return pytester.runpytest_inprocess("--interp-backend=nnsight", *fixed, *args)

    return run


@UNREAD
def test_an_unused_verdict_is_warned_of(run):
    body = """
def test_x(trace):
    v = check_fact_localized(trace(FACT), *CLAIM)

def test_y(trace):
    check_fact_localized(trace(FACT), *CLAIM)
    assert not check_fact_localized(trace(FACT), *CLAIM)
"""
    result = run(body)
    result.assert_outcomes(passed=2, warnings=2)
    result.stdout.fnmatch_lines(
        [
            "*test_spec.py:*: UnreadVerdictWarning: nobody looked at this verdict, so it decides "
            "nothing: 'failed: 0.000 at layer 4, *",
            "*v = check_fact_localized(trace(FACT), [*]CLAIM)",
        ]
    )
    result = run(body, "-W", "error")
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["test_spec.py:*: UnreadVerdictWarning: nobody looked *"])
    ignored = "ignore::pytest_interp.errors.UnreadVerdictWarning"
    run(body, "-W", "error", "-W", ignored).assert_outcomes(passed=2)


@UNREAD
def test_checks_from_outside_count(run):
    result = run(
        """
from pytest_interp.claims import Requirement, Terms, column, gather

def check_own(trace):
    evidence = gather(trace, Terms())
    last = column(evidence, "last")
    return decide("own", evidence, [Requirement(last, (0,), "at most", 0.1)], Terms())

@checking
def check_by_hand(trace):
    return Verdict("by hand", Status.FAILED, "No.", 1, 1)

def test_x(trace):
    check_own(trace(FACT))
    check_by_hand(trace(FACT))
    asserting(check_own)(trace(FACT))
"""
    )
    result.assert_outcomes(passed=1, warnings=2)
    result.stdout.fnmatch_lines(["*of the claim that own.*", "*'failed: No.'*that by hand.*"])


def test_a_verdict_that_was_looked_at_is_not_warned_of(run, pytester):
    pytester.path.joinpath("own.py").write_text(
        HEAD
        + """
@register_claim("own")
@checking
def check_own(trace):
    return check_fact_localized(trace, "resid_post@subject", (0, 3))
"""
    )
    pytester.path.joinpath("a.interp.yaml").write_text(
        IN
        + """\
inputs:
  fact:
    clean_prompt: visitors say that Acropolis stands in
    corrupt_prompt: visitors say that Alhambra stands in
    answer: " Paris"
    counterfactual_answer: " Rome"
    subject: Acropolis
claims: [own: {}]
"""
    )
    pytester.makeini("[pytest]\ninterp_extensions = own\npythonpath = .")
    result = run(
        """
LATER = []

@pytest.fixture
def gathered():
    found = []
    yield found
    assert not any(found)

@pytest.fixture(scope="session")
def of_many(adapter):
    from pytest_interp import causal_trace
    return check_fact_localized(causal_trace(adapter, FACT), *CLAIM)

@pytest.mark.parametrize(
    "look",
    [
        bool,
        str,
        repr,
        lambda v: v.status,
        lambda v: v.margin,
        lambda v: v.headline,
        lambda v: v.to_json(),
        lambda v: pytest.raises(AssertionError, conclude, v),
    ],
)
def test_ways(trace, look):
    look(check_fact_localized(trace(FACT), *CLAIM))

def test_in_the_teardown(trace, gathered):
    gathered.append(check_fact_localized(trace(FACT), *CLAIM))

def test_of_many(of_many):
    pass

def test_of_many_is_read_later(of_many):
    assert not of_many

def test_that_fails(trace):
    v = check_fact_localized(trace(FACT), *CLAIM)
    assert False
""",
        "-W",
        "error",
    )
    result.assert_outcomes(passed=12, failed=1)
    result.stdout.no_fnmatch_line("*UnreadVerdictWarning*")


def test_under_xdist_and_in_a_subtest(pytester, spec, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    spec(
        HEAD
        + """
def test_x(trace, subtests):
    with subtests.test():
        check_fact_localized(trace(FACT), *CLAIM)
    with subtests.test():
        assert not check_fact_localized(trace(FACT), *CLAIM)
"""
    )
    fixed = ("-p", "no:cacheprovider", "-p", "xdist", "-n1", "--interp-backend=nnsight")
    result = pytester.runpytest_subprocess(*fixed)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*UnreadVerdictWarning: nobody looked *"])


def test_outside_of_a_test_nothing_is_kept():
    @checking
    def check_it():
        return Verdict("it", Status.PASSED, "Yes.", 1, 1)

    with noting(None):
        assert check_it()
    unread = {}
    with noting(unread):
        with hearing(lambda verdict: None):
            asserting(check_it)()
        assert unread == {}
        check_it()
        check_it()
        assert len(unread) == 2
