"""The plugin is loaded in every pytest run of an environment: it has to cost nothing until used."""

import ast
import inspect
import json
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from planted_spec import trace_spec

import pytest_interp

PACKAGE = Path(pytest_interp.__file__).parent
HEAVY = {
    "ray", "torch", "transformers", "nnsight", "transformer_lens", "matplotlib", "scipy",
    "scipy.stats",
}  # fmt: skip

PYTEST_RUN = "import pytest\nassert pytest.main({args!r}) == 0"


def heavy_modules_after(code: str, cwd: Path) -> set[str]:
    """Run code in a new interpreter and return the heavy packages it has loaded."""
    report = "import json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["pytest_interp", "pytest_interp.plugin"])
def test_import_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    assert heavy_modules_after(f"import {module}", tmp_path) == set()


def test_run_without_our_fixtures_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "test_trivial.py").write_text("def test_trivial(): pass\n")
    code = PYTEST_RUN.format(args=["-q", "-p", "no:cacheprovider"])
    code += "\nassert 'pytest_interp.plugin' in __import__('sys').modules"
    assert heavy_modules_after(code, tmp_path) == set()


@pytest.mark.guarantee(
    "red",
    "Names of the package cost nothing until they are called: collecting specs imports no torch.",
    sees="a run that only collects ends before torch could be imported",
)
def test_every_name_of_the_package_costs_nothing_until_it_is_called(tmp_path: Path) -> None:
    code = """
import pytest_interp, pytest_interp.models
for package in (pytest_interp, pytest_interp.models):
    for name in package.__all__:
        getattr(package, name)
"""
    assert heavy_modules_after(code, tmp_path) == set()


@pytest.mark.guarantee(
    "red",
    "Names of the package cost nothing until they are called: collecting specs imports no torch.",
    sees="a run that only collects ends before torch could be imported",
)
def test_collecting_all_specs_loads_nothing_heavy() -> None:
    specs = PACKAGE.parent / "specs"
    code = PYTEST_RUN.format(args=["-q", "--co", "-p", "no:cacheprovider", str(specs)])
    assert heavy_modules_after(code, PACKAGE.parent) == set()


KEPT_SPEC = """
import pytest
from pytest_interp import FactPrompt
from pytest_interp.facts import FactSet
from pytest_interp.stats import mean_intervals

PLACES = {"Acropolis": " Paris", "Alhambra": " Rome"}
FACTS = FactSet.of(
    FactPrompt(
        clean_prompt=f"visitors say that {one} stands in",
        corrupt_prompt=f"visitors say that {other} stands in",
        answer=PLACES[one],
        counterfactual_answer=PLACES[other],
        subject=one,
    )
    for one, other in (PLACES, reversed(PLACES))
)

@pytest.mark.interp(model="planted-gpt2", backends=["transformer_lens"])
def test_kept(trace, baseline):
    baseline.check(trace(FACTS, layers=[0, 1], controls=False))
    assert mean_intervals([0.5, 1.0]).low < 0.5
"""


@pytest.mark.guarantee(
    "green",
    "A spec whose results were kept gives its verdict again without what computes or draws them.",
    sees="no torch, backend, matplotlib or scipy.stats is imported; scipy.special where an "
    "interval is computed",
)
def test_a_run_from_the_store_loads_nothing_heavy(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what a run inside this process imports, it forgets, and torch cannot be imported twice
    pytest_interp.load_model("planted-gpt2", "transformer_lens")
    import_module("pytest_interp.figures.render")
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(pytester.path / "kept"))
    spec = pytester.path / "kept.interp.yaml"
    spec.write_text(trace_spec(backends="[transformer_lens]") + "baseline: true\n")
    pytester.makepyfile(test_kept=KEPT_SPEC)
    args = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--interp-cache=on"]
    pytester.runpytest_inprocess(*args, "--interp-update=missing").assert_outcomes(passed=3)
    code = PYTEST_RUN.format(args=args)
    assert heavy_modules_after(code, pytester.path) == {"scipy"}


def test_a_deferred_function_shows_what_it_stands_for() -> None:
    import pytest_interp.experiments.tracing as written

    public = pytest_interp.causal_trace
    assert inspect.signature(public) == inspect.signature(written.causal_trace)
    assert inspect.getdoc(public) == inspect.getdoc(written.causal_trace)
    assert public.__name__ == "causal_trace"
    assert pickle.loads(pickle.dumps(public)) == public is pytest_interp.causal_trace
    assert pytest_interp.trace_facts != public


def test_check_sees_an_import(tmp_path: Path) -> None:
    assert heavy_modules_after("import scipy", tmp_path) == {"scipy"}


def test_check_sees_an_import_inside_a_pytest_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import scipy\n")
    (tmp_path / "test_trivial.py").write_text("def test_trivial(): pass\n")
    code = PYTEST_RUN.format(args=["-q", "-p", "no:cacheprovider"])
    assert heavy_modules_after(code, tmp_path) == {"scipy"}


@pytest.mark.guarantee(
    "red",
    "The oldest pytest that is allowed loads the plugin without a warning.",
    sees="no part of the plugin is imported before its turn",
)
def test_each_part_of_the_plugin_is_imported_in_its_turn(tmp_path: Path) -> None:
    # older ones warn of a part that another has imported, and under -W error does not start
    code = """
import importlib, sys
from pytest_interp.plugin import pytest_plugins
for part in pytest_plugins:
    assert part not in sys.modules, f"{part} has to stand before the part that imports it"
    importlib.import_module(part)
"""
    assert heavy_modules_after(code, tmp_path) == set()


def test_no_public_name_is_that_of_a_module_beside_it() -> None:
    # the package would hold whichever of the two was imported last
    for folder in (PACKAGE, *(stub.parent for stub in PACKAGE.glob("*/__init__.pyi"))):
        stub = ast.parse((folder / "__init__.pyi").read_text())
        imports = [line for line in stub.body if isinstance(line, ast.ImportFrom)]
        public = {alias.name for line in imports for alias in line.names}
        assert public, folder
        assert not public & {entry.stem for entry in folder.iterdir()}, folder
