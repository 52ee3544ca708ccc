"""What a project adds is there for pytest and for the command line alike."""

from __future__ import annotations

import os
import sys

import pytest

from pytest_interp.errors import InterpError
from pytest_interp.extensions import declared

ADDS = """
from pytest_interp.models import PlantedSource, register_model

register_model({name!r}, PlantedSource("gpt2"))
"""
SPEC = """\
model: {name}
backends: [nnsight]
experiment: logit_lens
inputs: {{prompt: visitors say that Acropolis stands in, answer: " Paris"}}
claims:
  - crossover_layer: {{equals: 4}}
"""
FILES = {
    "pyproject.toml": '[tool.pytest_interp]\nextensions = ["adds_a", "adds.b"]\n',
    "pytest.ini": "[pytest]\ninterp_extensions =\n    adds_c\n",
}


@pytest.fixture
def project(pytester, monkeypatch):
    """Write the files of a project, and run a command in it."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name, text in FILES.items():
        pytester.path.joinpath(name).write_text(text)
    for name in ("adds_a", "adds/b", "adds_c", "specs/conftest"):
        file = pytester.path.joinpath(f"{name}.py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(ADDS.format(name=name.replace("/", "_")))
    for name in ("adds_a", "adds_b", "adds_c", "specs_conftest"):
        spec = pytester.path.joinpath(f"specs/{name}.interp.yaml")
        spec.write_text(SPEC.format(name=name))
    return pytester


HERE = "import os, sys; sys.path[:] = [p for p in sys.path if p not in ('', os.getcwd())]; "
"""The working folder is not importable by itself: pytester and ``python -c`` make it so."""


def by_pytest(project, *arguments):
    code = HERE + "import pytest; sys.exit(pytest.main())"
    return project.run(sys.executable, "-c", code, "-q", "-p", "no:cacheprovider", *arguments)


def by_command(project, *arguments):
    code = HERE + "import pytest_interp.cli as cli; sys.exit(cli.main())"
    return project.run(sys.executable, "-c", code, *arguments)


def test_pytest_finds_what_the_project_adds(project):
    by_pytest(project).assert_outcomes(passed=4)


def test_an_option_may_name_what_an_extension_adds(project):
    file = project.makepyfile("def test_x(model): assert model.name == 'adds_c'")
    by_pytest(project, "--interp-model=adds_c", str(file)).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "name",
    [
        "adds_a",
        pytest.param("adds_b", marks=pytest.mark.slow),
        pytest.param("adds_c", marks=pytest.mark.slow),
        "specs_conftest",
    ],
)
def test_the_command_line_finds_it_from_anywhere(project, name, monkeypatch):
    spec = project.path / f"specs/{name}.interp.yaml"
    monkeypatch.setattr(project, "_path", project.mkdir("elsewhere"))  # where it runs commands
    done = by_command(project, "run", "logit_lens", "--config", str(spec))
    assert done.ret == 0, done.stderr.str()
    done.stdout.fnmatch_lines([f"logit_lens of {name} under nnsight*", "*passed: crossover_layer*"])


def test_commands_know_the_extensions_of_the_working_folder(project):
    listed = by_command(project, "models").stdout
    listed.fnmatch_lines(["adds_a *", "adds_b *", "adds_c *"])
    assert "specs_conftest" not in listed.str()  # pytest would not have loaded it here either


def test_what_an_extension_prints_is_no_output_of_the_command(project):
    project.path.joinpath("conftest.py").write_text("print('noise')")
    done = by_command(project, "schema")
    assert done.stdout.str().startswith("{")
    done.stderr.fnmatch_lines(["noise"])


def test_a_plain_assert_of_an_extension_shows_its_values(project):
    project.path.joinpath("adds_c.py").write_text(
        "from pytest_interp.claims import register_claim\n"
        '@register_claim("early")\n'
        "def assert_early(result):\n    assert result.crossover_layer < 3\n"
    )
    spec = project.path / "specs" / "adds_a.interp.yaml"
    spec.write_text(SPEC.format(name="adds_a") + "  - early: {}\n")
    by_pytest(project, str(spec)).stdout.fnmatch_lines(["*assert 4 < 3*"])


OPTIONS = pytest.mark.parametrize(
    "options",
    [
        "-n 2 --lf -v -s",
        "--import-mode=importlib -p no:terminal",
        "--cov=here --cov-report=term -p coverage_twin",
    ],
)


@OPTIONS
def test_options_of_the_project_do_not_disturb_the_command(project, options):
    project.path.joinpath("coverage_twin.py").write_text(
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--cov')\n"
        "    parser.addoption('--cov-report')\n"
    )
    ini = project.path / "pytest.ini"
    ini.write_text(
        FILES["pytest.ini"] + f"pythonpath = .\naddopts = {options}\nfilterwarnings = error\n"
    )
    done = by_command(project, "models")
    assert done.ret == 0, done.stderr.str()
    done.stdout.fnmatch_lines(["adds_a *"])


def test_a_measurement_of_coverage_is_not_begun(project, monkeypatch):
    info = project.path / "site" / "pytest_cov-7.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: pytest-cov\nVersion: 7\n")
    info.joinpath("entry_points.txt").write_text("[pytest11]\npytest_cov = its_plugin\n")
    info.with_name("its_plugin.py").write_text(
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--cov')\n"
        "    parser.addoption('--no-cov', action='store_true')\n"
        "def pytest_load_initial_conftests(early_config):\n"
        "    assert early_config.known_args_namespace.no_cov, 'measures'\n"
    )
    project.path.joinpath("pytest.ini").write_text("[pytest]\naddopts = --cov=here\n")
    monkeypatch.setenv("PYTHONPATH", str(info.parent), prepend=os.pathsep)
    done = by_command(project, "models")
    assert done.ret == 0, done.stderr.str()


MISTAKES = {
    "no such module": (
        "pyproject.toml",
        '[tool.pytest_interp]\nextensions = ["absent"]',
        "pyproject.toml: [[]tool.pytest_interp[]] extensions: the module 'absent' cannot be "
        "imported: there is no such module. Put it into *, install its package, or correct",
    ),
    "no such module in the ini file": (
        "pytest.ini",
        "[pytest]\ninterp_extensions = adds.absent",
        "pytest.ini: interp_extensions: the module 'adds.absent' cannot be imported: there is no",
    ),
    "error in the module": (
        "adds_c.py",
        "import no_package",
        "pytest.ini: interp_extensions: the module 'adds_c' cannot be imported: "
        "ModuleNotFoundError: No module named 'no_package' (adds_c.py:1). Repair it, or take",
    ),
    "other key": (
        "pyproject.toml",
        '[tool.pytest_interp]\nextension = ["adds_a"]',
        "pyproject.toml: unknown key of [[]tool.pytest_interp[]] 'extension'. Did you mean 'ext",
    ),
    "no list": (
        "pyproject.toml",
        '[tool.pytest_interp]\nextensions = "adds_a"',
        "pyproject.toml: [[]tool.pytest_interp[]] extensions is a list of modules, as "
        "extensions = [[]\"my_module\"[]]; got 'adds_a'",
    ),
}


@pytest.mark.parametrize(("file", "text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_in_one_line_both_ways(project, file, text, message):
    project.path.joinpath(file).write_text(text)
    asked = by_pytest(project)
    assert asked.ret == pytest.ExitCode.USAGE_ERROR
    asked.stderr.fnmatch_lines([f"ERROR: *{message}*"])
    done = by_command(project, "models")
    assert done.ret == 2
    done.stderr.fnmatch_lines([f"pytest-interp: *{message}*"])
    assert len(done.errlines) == 1


def test_table_that_pytest_did_not_read(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text("[tool")
    with pytest.raises(InterpError, match=r"pyproject.toml: the file is not TOML: "):
        declared(file)


def test_errors_of_pytest_are_one_line_that_says_what_to_do(project):
    ini = project.path / "pytest.ini"
    ini.write_text("[pytest]\naddopts = --nonsense\n")
    done = by_command(project, "run", "logit_lens", "--config", "specs/adds_a.interp.yaml")
    assert done.ret == 2
    assert len(done.errlines) == 1
    done.stderr.fnmatch_lines(
        [
            "*pytest cannot begin here: unrecognized arguments: --nonsense*"
            "Run: pytest --collect-only *adds_a.interp.yaml, and repair what it names"
        ]
    )


def test_conftest_that_cannot_be_imported(project):
    project.path.joinpath("specs/conftest.py").write_text("1 / 0\n")
    done = by_command(project, "run", "logit_lens", "--config", "specs/adds_a.interp.yaml")
    assert done.ret == 2
    done.stderr.fnmatch_lines(
        [
            "*specs/conftest.py: it cannot be imported: ZeroDivisionError: division by zero "
            "(conftest.py:1). Repair it*"
        ]
    )
    assert by_command(project, "models").ret == 0


def test_doctor_names_an_extension_that_is_broken(project):
    project.path.joinpath("adds_a.py").write_text("1 / 0\n")
    done = by_command(project, "doctor")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["problem: *the module 'adds_a' cannot be imported: ZeroDivision*"])
