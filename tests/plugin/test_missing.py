"""Weights that are not here, and a backend that is not installed: skipped, or an error."""

import importlib.util

import pytest

from tests.specs.spec_project import run

pytestmark = pytest.mark.usefixtures("everything_is_imported")

MISSING = """
@pytest.mark.interp(model="somebody/something")
def test_missing(lens):
    pass

def test_in_the_body():
    from pytest_interp import load_model

    load_model("somebody/something")

def test_expected():
    from pytest_interp import load_model
    from pytest_interp.errors import WeightsUnavailableError

    with pytest.raises(WeightsUnavailableError):
        load_model("somebody/something")
"""


@pytest.mark.parametrize("how", ["default", "option", "ini"])
def test_missing_weights_skip_or_fail(pytester, spec, monkeypatch, how):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = spec(MISSING)
    pytester.makeconftest(
        "from pytest_interp.models import register_model\n"
        "register_model('somebody/something', 'somebody/something')"
    )
    marker = '@pytest.mark.interp(model="somebody/something")'
    line = 1 + path.read_text().splitlines().index(marker)
    if how == "ini":
        pytester.makeini("[pytest]\ninterp_strict = true\n")
    strict = ["--interp-strict"] if how == "option" else []
    result = run(pytester, "-rsfE", "--interp-backend=nnsight", *strict)
    if how == "default":
        result.assert_outcomes(skipped=2, passed=1)
        skipped = f"SKIPPED [[]1[]] test_spec.py:{line}: the weights of *"
        result.stdout.fnmatch_lines([f"{skipped}models fetch somebody/something*"])
    else:
        result.assert_outcomes(errors=1, failed=1, passed=1)
        result.stdout.fnmatch_lines(["*WeightsUnavailableError: the weights of *"])


@pytest.mark.guarantee(
    "green",
    "A mistyped hub id is an error: only weights that are known and out of reach skip.",
    sees="The name, and how to download or register it where it is right.",
)
def test_a_hub_id_that_nobody_vouches_for_fails_offline(pytester, spec, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spec(MISSING.partition("def test_expected")[0])
    result = run(pytester, "--interp-backend=nnsight")
    result.assert_outcomes(errors=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*UnknownNameError: nothing here says that the hub has a repository 'somebody/something'*"]
    )


def test_missing_backend_is_an_error_only_when_it_is_named(pytester, spec, monkeypatch):
    # hides the package, as if it were not installed
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "transformer_lens" else find(name, *rest),
    )
    spec(
        """
def test_default(adapter):
    assert adapter.backend == "nnsight"

@pytest.mark.interp(backends=["transformer_lens"])
def test_named(adapter): ...
"""
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*BackendNotInstalledError: *'transformer_lens' is not installed. Run: pip install *"]
    )
