"""Runs of several workers: the verdicts are those of one process."""

import xml.etree.ElementTree as ElementTree

import pytest

CLAIMS = """
from pytest_interp import assert_handoff

@pytest.mark.parametrize("layer", [3, 4])
def test_layer(lens, layer):
    assert lens(FACT.clean_prompt, FACT.answer).crossover_layer == layer

@pytest.mark.parametrize("layer", [2, 4])
def test_handoff(trace, layer):
    assert_handoff(trace(FACT, controls=False), "subject", "last", layer)

def test_unknown(trace):
    fact = FactPrompt(
        clean_prompt=FACT.clean_prompt,
        corrupt_prompt=FACT.corrupt_prompt,
        answer=" we",
        counterfactual_answer=" heard",
    )
    assert_handoff(trace(fact, controls=False), "subject", "last", 4)
"""
SPEC = """
model: planted-gpt2
experiment: logit_lens
inputs: {prompt: visitors say that Acropolis stands in, answer: " Paris"}
claims:
  - crossover_layer: {at_most: 3}
  - crossover_layer: {at_most: 4}
"""


@pytest.fixture
def verdicts(pytester, spec, monkeypatch):
    """Runs specs of which some hold, some do not and one cannot tell; what is said of each."""
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", "off")  # every process computes its own
    spec(CLAIMS)
    (pytester.path / "lens.interp.yaml").write_text(SPEC)

    def verdicts(run, *arguments):
        junit = pytester.path / "junit.xml"
        report = (f"--junitxml={junit}", "-o", "junit_family=xunit1")
        run("-p", "no:cacheprovider", "--interp-backend=nnsight", *report, *arguments)
        return {
            case.attrib["name"]: [(part.tag, part.get("message")) for part in case.iter("failure")]
            for case in ElementTree.parse(junit).iter("testcase")
        }

    return verdicts


@pytest.mark.guarantee(
    "green",
    "However the workers of xdist share out the tests, each gets the verdict of one process.",
    sees="the same tests fail, for the same reasons, under every `--dist`",
)
@pytest.mark.parametrize(
    "mode",
    [
        "load",
        "worksteal",
        pytest.param("loadfile", marks=pytest.mark.slow),
        pytest.param("loadscope", marks=pytest.mark.slow),
    ],
)
def test_verdicts_do_not_depend_on_how_tests_are_shared_out(pytester, verdicts, mode):
    pytest.importorskip("xdist")
    alone = verdicts(pytester.runpytest_inprocess, "-p", "no:xdist")
    failed = {name for name, reasons in alone.items() if reasons}
    assert len(alone) == 7
    assert len(failed) == 4
    assert "inconclusive" in str(alone["test_unknown[planted-gpt2-nnsight]"])
    assert verdicts(pytester.runpytest_subprocess, "-n2", f"--dist={mode}") == alone
