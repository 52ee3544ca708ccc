"""What a test that makes a mistake shows: its own line and the message, and nothing below."""

from __future__ import annotations

import pytest

from tests.specs.spec_project import run

MISTAKEN = """
import pytest
from pytest_interp import load_model
from pytest_interp.adapters import Site


def of_own(adapter):
    adapter.run(adapter.encode(FACT.clean_prompt), edits={Site("mlp_out", 2): forgets})


def forgets(x):
    x[:] = 0


@pytest.fixture
def unknown():
    return load_model("smollm")


def test_layer(trace):
    trace(FACT, layers=[9])  # the line of test_layer


def test_edit(adapter):
    of_own(adapter)  # the line of test_edit


def test_model(unknown):
    pass
"""


@pytest.fixture
def mistaken(pytester, spec):
    spec(MISTAKEN)
    return lambda *options: run(pytester, "--interp-backend=nnsight", *options)


@pytest.mark.guarantee(
    "messages",
    "A mistake in a Python test is shown at the lines of the test, not at those of this package.",
    sees="The line of the test and the message; with `--full-trace` every line below.",
)
def test_a_mistake_is_shown_at_the_lines_of_the_test(mistaken):
    result = mistaken()
    result.assert_outcomes(failed=2, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            ">       trace(FACT, layers=[[]9])  # the line of test_layer",
            "E       *ExperimentError: layer 9 cannot be used: planted-gpt2 has layers 0 to 5",
            ">       of_own(adapter)  # the line of test_edit",
            "E       *HookError: the edit at mlp_out.2 returned NoneType*",
            '>       return load_model("smollm")',
            "E       *UnknownNameError: unknown model 'smollm'*",
        ]
    )
    shown = [line for line in result.outlines if "Error" in line and not line.startswith("E ")]
    assert all(line.startswith(("test_spec.py:", "FAILED", "ERROR", "error:")) for line in shown)
    assert "pytest_interp/" not in str(result.stdout)


def test_every_line_is_shown_on_demand(mistaken):
    shown = str(mistaken("--full-trace", "-k", "test_layer").stdout)
    assert "pytest_interp/experiments/layers.py" in shown


@pytest.mark.guarantee(
    "messages",
    "What is wrong before a test begins, as a device that is not there, is its message alone.",
    sees="The message under the name of the test.",
)
def test_what_is_wrong_before_the_test_is_its_message_alone(mistaken):
    result = mistaken("--interp-device=gpu", "-k", "test_layer")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["E   *DeviceError: unknown device 'gpu'. Did you mean 'cpu'? Known: *"]
    )
    result.stdout.fnmatch_lines(["ERROR test_spec.py::test_layer* - pytest_interp.errors.D*"])
    assert "pytest_runtest_setup" not in str(result.stdout)
