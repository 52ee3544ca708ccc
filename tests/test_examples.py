"""The example of another repository, with the built wheel in an environment of its own."""

import json
import shutil
from pathlib import Path

import pytest
from environments import ROOT, environment_with, run_python


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return environment_with(tmp_path_factory.mktemp("environment"), ROOT)


@pytest.fixture
def repository(tmp_path):
    """A copy of the example, as somebody has it who cloned it."""
    ignore = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    return Path(shutil.copytree(ROOT / "examples" / "other_repo", tmp_path / "repo", ignore=ignore))


def run(python, repository, *arguments):
    """Run pytest there; its exit status and output."""
    return run_python(
        python, repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments
    )


def numbers(repository):
    files = sorted(repository.joinpath("baselines").rglob("*.json"))
    return {
        file.relative_to(repository).as_posix(): json.loads(file.read_text())["result"]
        for file in files
    }


def test_the_environment_has_the_wheel(python, tmp_path):
    code = "import pytest_interp, pytest_interp.cli.new; print(pytest_interp.__file__)"
    status, output = run_python(python, tmp_path, "-c", code)
    assert status == 0, output
    assert Path(output.strip()).is_relative_to(python.parents[1])


def test_example_passes_with_its_committed_baselines(python, repository):
    status, output = run(python, repository)
    assert status == 0, output
    assert "8 passed" in output


def test_its_baselines_are_created_and_compared(python, repository):
    committed = numbers(repository)
    shutil.rmtree(repository / "baselines")
    one_backend = ("--interp-backend", "transformer_lens")

    status, output = run(python, repository, *one_backend)
    assert status == 1, output
    assert "2 failed, 2 passed" in output
    assert "--interp-update" in output
    assert not numbers(repository)

    status, output = run(python, repository, *one_backend, "--interp-update")
    assert status == 0, output
    assert numbers(repository).keys() == committed.keys()

    changed = next(repository.joinpath("baselines").rglob("baseline--our-model.json"))
    entry = json.loads(changed.read_text())
    entry["result"]["clean_metric"] += 1
    changed.write_text(json.dumps(entry))
    status, output = run(python, repository, *one_backend)
    assert status == 1, output
    assert "1 failed, 3 passed" in output
    assert "clean_metric" in output


def test_its_conftest_overrides_a_fixture(python, repository):
    conftest = repository / "conftest.py"
    text = conftest.read_text()
    assert 'adapter.name == "our-model"' in text
    conftest.write_text(text.replace('adapter.name == "our-model"', 'adapter.name == "other"'))
    status, output = run(python, repository, "-k", "handoff and nnsight")
    assert status == 1, output
    assert "1 error" in output
