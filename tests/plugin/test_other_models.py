"""The id of a test names what ran: results of another model or backend are refused."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported():
    """What a run inside this process imports, it forgets, and torch cannot be imported twice."""
    import pytest_interp.baselines.check
    import pytest_interp.figures.render  # noqa: F401
    from pytest_interp import load_model

    for backend in ("transformer_lens", "nnsight"):
        load_model("planted-gpt2", backend)
    gc.collect()


NAMES = pytest.mark.guarantee(
    "green",
    "The id of a test names the model and the backend that ran.",
    sees="a result of another one is refused by lens, trace, assert_*, YAML claims and "
    "baseline.check",
)


def run(pytester, *args):
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *args)


@NAMES
def test_an_adapter_of_another_backend_or_model_is_refused(pytester, spec):
    pytester.makeconftest(
        """
import pytest
from pytest_interp.adapters import open_adapter
from pytest_interp.models import load_weights

@pytest.fixture
def adapter(model, interp_target):
    return open_adapter(model, "nnsight")
"""
    )
    spec("def test_x(lens):\n    lens(FACT.clean_prompt, ' Paris')")
    pytester.path.joinpath("lens.interp.yaml").write_text(
        """\
experiment: logit_lens
model: planted-gpt2
inputs: {prompt: visitors say that Acropolis stands in, answer: " Paris"}
claims:
  - crossover_layer: {at_most: 4}
"""
    )
    result = run(pytester, "-rA")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        ["*planted-gpt2-transformer_lens, but its result is of planted-gpt2 under nnsight: *"]
    )
    result.stdout.fnmatch_lines_random(
        ["PASSED test_spec.py::test_x[[]*nnsight[]]*", "PASSED lens.interp*nnsight[]]*"]
    )


@NAMES
def test_a_baseline_is_of_the_model_of_its_test(pytester, spec):
    spec(
        """
from pytest_interp import load_model, logit_lens

@pytest.mark.parametrize("other", [False, True])
def test_x(adapter, baseline, other):
    result = logit_lens(load_model("planted-llama", "nnsight"), FACT.clean_prompt, " Paris")
    baseline.check(result, other_model=other)

def test_own(baseline, adapter):
    baseline.check(logit_lens(adapter.copy(), FACT.clean_prompt, " Paris"))
"""
    )
    result = run(pytester, "--interp-backend=nnsight", "--interp-update-override", "-rA")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*a result of the model 'planted-llama', but the test runs on 'planted-gpt2'*"]
    )


ASSERT = """
from pytest_interp import assert_backends_agree, assert_crystallises, assert_fact_localized
from pytest_interp import causal_trace, load_model, logit_lens, trace_facts
from pytest_interp.adapters import open_adapter
from pytest_interp.claims import Status, Verdict, asserting

CLAIM = ("resid_post@subject", (0, 3))
"""


@NAMES
@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (
            'assert_fact_localized(causal_trace(load_model("planted-llama", "nnsight"), FACT), '
            "*CLAIM)",
            "planted-llama under nnsight",
        ),
        (
            'assert_fact_localized(causal_trace(open_adapter(model, "transformer_lens"), FACT), '
            "*CLAIM)",
            "planted-gpt2 under transformer_lens",
        ),
        (
            'assert_crystallises([logit_lens(load_model("planted-llama", "nnsight"), '
            'FACT.clean_prompt, " Paris")], by_layer=4)',
            "planted-llama under nnsight",
        ),
        (
            'other = load_model("planted-llama", "nnsight")\n    assert_backends_agree(other, '
            'load_model("planted-llama", "transformer_lens"), FACT.clean_prompt)',
            "planted-llama under nnsight and transformer_lens",
        ),
        (
            'asserting(lambda r: Verdict("c", Status.PASSED, "", 1, 1))('
            'logit_lens(load_model("planted-llama", "nnsight"), FACT.clean_prompt, " Paris"))',
            "planted-llama under nnsight",
        ),
    ],
)
def test_a_claim_is_about_the_model_of_its_test(pytester, spec, claim, said):
    spec(
        f"""{ASSERT}
def test_refused(adapter, model):
    {claim}

@pytest.mark.interp(other_model=True)
def test_meant(adapter, model):
    {claim}
"""
    )
    result = run(pytester, "--interp-backend=nnsight", "-rA")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*SpecError: the test runs on planted-gpt2-nnsight, but its claim is about *",
            "PASSED test_spec.py::test_meant[[]planted-gpt2-nnsight[]]",
        ]
    )
    assert f"its claim is about {said}: use" in result.stdout.str()


def test_claims_about_the_test_itself_and_of_fixtures_are_no_others(pytester, spec):
    spec(
        f"""{ASSERT}
@pytest.fixture(scope="module")
def sound():
    assert_fact_localized(causal_trace(load_model("planted-llama", "nnsight"), FACT), *CLAIM)

def test_x(adapter, sound):
    assert_fact_localized(causal_trace(adapter, FACT), *CLAIM)

def test_both(model, adapter, trace):
    other = open_adapter(model, "transformer_lens")
    assert_backends_agree(adapter, other, FACT.clean_prompt)
    assert_backends_agree(trace(FACT), causal_trace(other, FACT))

def test_of_the_weights(model):
    for backend in ("nnsight", "transformer_lens"):
        result = causal_trace(open_adapter(model, backend), FACT)
        verdict = assert_fact_localized(result, *CLAIM)
        assert verdict.to_json()["models"] == ("planted-gpt2",)
        assert verdict.backends == (backend,)
"""
    )
    run(pytester, "--interp-backend=nnsight").assert_outcomes(passed=3)
