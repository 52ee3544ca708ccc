"""A package that adds one thing of every kind, installed in a fresh environment and used there."""

from __future__ import annotations

import json
import shutil
import tomllib

import pytest
from environments import ROOT, environment_with, run_python

from pytest_interp.registry import HOMES

EXAMPLE = ROOT / "examples" / "extension"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return environment_with(tmp_path_factory.mktemp("environment"), ROOT, EXAMPLE)


@pytest.fixture
def specs(tmp_path):
    shutil.copytree(EXAMPLE / "specs", tmp_path / "specs")
    return tmp_path


def test_it_adds_one_of_every_kind():
    project = tomllib.loads(EXAMPLE.joinpath("pyproject.toml").read_text())["project"]
    assert set(project["entry-points"]) == {f"pytest_interp.{kind}s" for kind in HOMES}
    assert all(len(points) == 1 for points in project["entry-points"].values())


def test_pytest_uses_each(python, specs):
    status, output = run_python(python, specs, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert status == 0, output
    # specs in YAML: two claims under three backends, one under two; in Python two tests under three
    assert "14 passed" in output


def test_command_line_uses_each(python, specs):
    for experiment, spec in (("residual_norms", "norms"), ("causal_trace", "mlp")):
        config = ("--config", f"specs/{spec}.interp.yaml", "--backend", "plain_hooks", "--tag", "a")
        status, output = run_python(
            python, specs, "-m", "pytest_interp", "run", experiment, *config
        )
        assert status == 0, output
    assert "passed: peak.layer" in output
    folder = specs / "outputs" / "residual_norms" / "a"
    names = {file.name for file in folder.iterdir()}
    assert names == {"result.json", "config.yaml", "claims.yaml", "figure.png"}
    assert (
        json.loads((folder / "result.json").read_text())["provenance"]["backend"] == "plain_hooks"
    )
    saved = json.loads((specs / "outputs" / "causal_trace" / "a" / "result.json").read_text())
    assert saved["result"]["site"] == "mlp_in"
    assert saved["result"]["metric"] == "answer_logprob"
    assert saved["result"]["corruption"] == "first_token"


def test_a_spec_in_python_may_import_the_package_first(python, specs):
    status, output = run_python(
        python, specs, "-m", "pytest", "-q", "-p", "no:cacheprovider", "specs/test_norms.py"
    )
    assert status == 0, output


def test_claim_that_fails_is_told_with_its_values_both_ways(python, specs):
    spec = specs / "specs" / "norms.interp.yaml"
    spec.write_text(spec.read_text().replace("factor: 0.9", "factor: 99"))
    command = ("-m", "pytest_interp", "run", "residual_norms", "--config", str(spec))
    for arguments in (("-m", "pytest", "-q", "-p", "no:cacheprovider", str(spec)), command):
        status, output = run_python(python, specs, *arguments)
        assert status == 1, output
        assert "norms.interp.yaml:7: norms_grow: {factor: 99}" in output
        assert "from layer 0 on it grows by" in output


def test_the_new_architecture_is_the_same_under_all_backends(python, specs):
    prompt = ("--prompt", "the capital of France is")
    status, output = run_python(
        python, specs, "-m", "pytest_interp", "models", "check", "tiny-starcoder2", *prompt
    )
    assert status == 0, output
    assert "transformer_lens and nnsight and plain_hooks" in output
    assert "read mlp_in" in output


def test_the_schema_knows_what_is_added(python, specs):
    status, output = run_python(python, specs, "-m", "pytest_interp", "schema")
    assert status == 0, output
    schema = json.loads(output)
    assert "residual_norms" in schema["properties"]["experiment"]["enum"]
    assert "norms_grow" in schema["properties"]["claims"]["items"]["properties"]
    assert "plain_hooks" in json.dumps(schema["properties"]["backends"])


def test_reading_the_rows_imports_nothing_heavy(python, specs):
    """Whoever has the package installed pays for it in each run of pytest."""
    code = (
        "import sys, pytest; pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider']);"
        "print('heavy:', sorted({'torch', 'transformers', 'matplotlib'} & set(sys.modules)))"
    )
    _, output = run_python(python, specs, "-c", code)
    assert "heavy: []" in output, output
