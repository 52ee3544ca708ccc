import shutil

import pytest
from baseline_project import Project


@pytest.fixture
def project(pytester):
    return Project(pytester)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Where the first test leaves its baselines for the others to copy."""
    return tmp_path_factory.mktemp("made") / "baselines"


@pytest.fixture
def saved(project, made_once):
    """A project whose baselines are saved."""
    there = project.path / "baselines"
    if made_once.is_dir():
        shutil.copytree(made_once, there)
    else:
        project.run("--interp-update=missing").assert_outcomes(passed=2)
        shutil.copytree(there, made_once)
    return project
