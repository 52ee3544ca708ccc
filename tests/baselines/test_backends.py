"""One baseline for both backends, on a planted model under real backends."""

import json
from pathlib import Path

import pytest
from made_results import lens

# runs inside of this process import anew what it does not hold
import pytest_interp.adapters.nnsight
import pytest_interp.adapters.transformer_lens
import pytest_interp.baselines.check
import pytest_interp.experiments
import pytest_interp.figures.render
import pytest_interp.models.loader  # noqa: F401
from pytest_interp.baselines.files import digest
from pytest_interp.figures import draw
from pytest_interp.planted import planted_model

FACT = planted_model("gpt2").facts[0]
SPEC = f"""
    import pytest

    @pytest.mark.interp(model="planted-gpt2")
    def test_lens(lens, baseline):
        baseline.check(lens({FACT.clean_prompt!r}, {FACT.answer!r}))
"""
ENTRY = "baselines/specs/test_a/test_lens--planted-gpt2"


class Project:
    def __init__(self, pytester):
        self.pytester = pytester
        pytester.makepyfile(**{"specs/test_a": SPEC})

    def run(self, *arguments):
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    def file(self, suffix):
        return self.pytester.path / f"{ENTRY}{suffix}"

    def spoil(self, suffix=".json"):
        """Make the saved crossover wrong, as if it came from another model."""
        data = json.loads(self.file(suffix).read_text())
        data["result"]["crossover_layer"] += 1
        self.file(suffix).write_text(json.dumps(data))

    def names(self):
        return sorted(p.name for p in Path(self.file("").parent).glob("*.json"))


@pytest.fixture
def project(pytester):
    return Project(pytester)


def text(result):
    return "\n".join(result.outlines)


def test_one_backend_writes_and_the_other_compares_in_the_same_run(project):
    result = project.run("--interp-update")
    result.assert_outcomes(passed=2)
    assert text(result).count("added") == 1
    entry = json.loads(project.file(".json").read_text())
    assert entry["provenance"]["backend"] == "transformer_lens"
    before = project.file(".json").read_bytes()
    project.run("--interp-backend", "nnsight", "--interp-update=all").assert_outcomes(passed=1)
    assert project.file(".json").read_bytes() == before


def test_the_other_backend_alone_names_the_command_of_the_reference(project):
    result = project.run("--interp-backend", "nnsight", "--interp-update")
    result.assert_outcomes(failed=1)
    assert not project.file(".json").exists()
    told = "pytest 'specs/test_a.py::test_lens[planted-gpt2-transformer_lens]' --interp-update"
    assert told in text(result)


def test_disagreement_is_red_until_an_override_is_written_on_purpose(project):
    project.run("--interp-update").assert_outcomes(passed=2)
    project.spoil()
    before = project.file(".json").read_bytes()
    only = ("--interp-backend", "nnsight")
    result = project.run(*only, "--interp-update")
    result.assert_outcomes(failed=1)
    assert "nnsight only compares" in text(result)
    assert "[planted-gpt2-nnsight]' --interp-update-override" in text(result)
    assert project.names() == ["test_lens--planted-gpt2.json"]
    project.run("--interp-update-override").assert_outcomes(passed=1, failed=1)
    assert project.names() == [
        "test_lens--planted-gpt2.json",
        "test_lens--planted-gpt2@nnsight.json",
    ]
    assert project.file(".json").read_bytes() == before
    project.run(*only).assert_outcomes(passed=1)
    # the override is compared with as strictly, and only its own option rewrites it
    project.spoil("@nnsight.json")
    project.run(*only, "--interp-update=all").assert_outcomes(failed=1)


def test_an_override_that_is_not_needed_is_neither_written_nor_pruned(project):
    project.run("--interp-update").assert_outcomes(passed=2)
    project.run("--interp-update-override").assert_outcomes(passed=2)
    assert project.names() == ["test_lens--planted-gpt2.json"]
    project.file("@nnsight.json").write_bytes(project.file(".json").read_bytes())
    project.file("@nnsight.png").write_bytes(project.file(".png").read_bytes())
    project.file("@nnsight.raster.png").write_bytes(project.file(".raster.png").read_bytes())
    for options in (["--interp-update-override", "--interp-prune"], []):
        result = project.run(*options)
        result.assert_outcomes(passed=2)
        assert "@nnsight.json is no longer needed" in text(result)
    assert len(project.names()) == 2


@pytest.mark.parametrize("backend", ["nnsight", "transformer_lens"])
def test_a_run_under_one_backend_prunes_nothing(project, backend):
    project.run("--interp-update").assert_outcomes(passed=2)
    project.file("@nnsight.json").write_bytes(project.file(".json").read_bytes())
    project.pytester.makeini(f"[pytest]\ninterp_backend = {backend}")
    before = project.names()
    result = project.run("--interp-prune")
    assert f"nothing was pruned: the run was restricted to the backend {backend}" in text(result)
    assert project.names() == before


def test_the_figure_is_compared_under_the_other_backend(project):
    project.run("--interp-update").assert_outcomes(passed=2)
    only = ("--interp-backend", "nnsight")
    # near equals change their ranks between the backends, and the figure is compared all the same
    project.run(*only).assert_outcomes(passed=1)
    raster = draw(lens(crossover=2)).raster
    project.file(".raster.png").write_bytes(raster)
    data = json.loads(project.file(".json").read_text())
    data["figure"]["raster"] = digest(raster)
    project.file(".json").write_text(json.dumps(data))
    result = project.run(*only)
    result.assert_outcomes(failed=1)
    assert "the numbers agree" in text(result)
    assert "[planted-gpt2-transformer_lens]' --interp-update --interp-backend transformer_lens" in (
        text(result)
    )


def test_a_damaged_shared_entry_is_an_error_under_every_backend(project):
    project.run("--interp-update").assert_outcomes(passed=2)
    project.file(".json").write_text("{")
    result = project.run("--interp-backend", "nnsight")
    result.assert_outcomes(failed=1)
    assert "cannot be read as JSON" in text(result)
    # beside an override it is not what the test is about
    project.run("--interp-update-override", "--interp-backend", "nnsight").assert_outcomes(passed=1)
    project.run("--interp-backend", "nnsight").assert_outcomes(passed=1)
    project.file("@nnsight.json").write_text("{")
    result = project.run("--interp-update-override", "--interp-backend", "nnsight")
    assert "@nnsight.json cannot be read as JSON" in text(result)
    both = ("--interp-update-override", "--interp-update=all")
    project.run(*both, "--interp-backend", "nnsight").assert_outcomes(passed=1)
    assert "replaced" not in text(project.run())


def test_the_reference_can_be_the_other_backend(project):
    project.pytester.makeini("[pytest]\ninterp_reference_backend = nnsight")
    # listed after transformer_lens, it still runs first in an update
    project.run("--interp-update").assert_outcomes(passed=2)
    entry = json.loads(project.file(".json").read_text())
    assert entry["provenance"]["backend"] == "nnsight"


def test_an_unknown_reference_is_refused(project):
    result = project.run("-o", "interp_reference_backend=nnsigth")
    assert "unknown reference backend 'nnsigth'. Did you mean 'nnsight'?" in text(result)


@pytest.mark.slow
def test_workers_do_not_compare_with_what_another_is_writing(project):
    project.run("--interp-update").assert_outcomes(passed=2)
    project.spoil()
    arguments = ("-p", "no:cacheprovider", "-n2", "--dist=load", "--interp-update")
    project.pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=2)
    project.run().assert_outcomes(passed=2)
    # nor do they take what is not written yet for a disagreement
    for path in project.file("").parent.iterdir():
        path.unlink()
    arguments = (*arguments, "--interp-update-override")
    project.pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=2)
    assert project.names() == ["test_lens--planted-gpt2.json"]
