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


def run(pytester, *args):
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *args)


@pytest.mark.guarantee(
    "green",
    "The id of a test names the model and the backend that ran.",
    sees="a result of another one is refused by lens, trace, YAML claims and baseline.check",
)
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


@pytest.mark.guarantee(
    "green",
    "The id of a test names the model and the backend that ran.",
    sees="a result of another one is refused by lens, trace, YAML claims and baseline.check",
)
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
