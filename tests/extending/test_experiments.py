"""An experiment and a claim, each added from outside; and the page that explains all this."""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pytest_interp.errors import InterpError, UnknownNameError
from pytest_interp.experiments.registry import EXPERIMENTS, register_experiment
from pytest_interp.models import load_model
from pytest_interp.planted import planted_model
from pytest_interp.registry import HOMES
from pytest_interp.results import Result

# --------------------------------------------------------------------------- an experiment


@dataclass(frozen=True)
class Norms(Result):
    """Lengths of the residual stream [layer]."""

    values: tuple[float, ...]
    provenance: object = None

    @property
    def last(self) -> float:
        return self.values[-1]

    def to_json(self):
        return {"kind": "norms", "values": list(self.values)}

    def tolerances(self):
        return {}


@register_experiment("extending_norms")
@dataclass(frozen=True)
class NormProfile:
    """The length of the residual stream at one position, after every layer."""

    prompt: str
    position: int = -1

    def run(self, adapter) -> Norms:
        sites = adapter.sites("resid_post")
        run = adapter.run(adapter.encode(self.prompt), capture=sites)
        return Norms(tuple(float(run[site][0, self.position].norm()) for site in sites))


@dataclass
class Prompt:
    prompt: str


@register_experiment("extending_function")
def norm_function(adapter, config: Prompt) -> Norms:
    """As a function."""
    return NormProfile(config.prompt).run(adapter)


def test_experiment_from_a_class_and_from_a_function():
    adapter = load_model("planted-gpt2", "nnsight")
    prompt = planted_model("gpt2").facts[0].clean_prompt
    results = []
    for name in ("extending_norms", "extending_function"):
        assert name in EXPERIMENTS.names()
        experiment = EXPERIMENTS.find(name)
        results.append(experiment.run(adapter, experiment.configure({"prompt": prompt})))
    assert results[0] == results[1]
    assert len(results[0].values) == adapter.n_layers
    assert EXPERIMENTS.find("extending_norms").summary.startswith("The length of the residual")
    assert EXPERIMENTS.find("extending_function").result_type is Norms


@pytest.mark.parametrize(
    "thing", [lambda adapter: None, lambda a, b, c: None, type("Plain", (), {"run": 1}), Prompt]
)
def test_what_cannot_be_an_experiment_is_refused(thing):
    with pytest.raises(InterpError, match="cannot be the experiment 'extending_bad'"):
        register_experiment("extending_bad")(thing)
    with pytest.raises(UnknownNameError):
        EXPERIMENTS.find("extending_bad")


def test_experiment_name_that_is_taken_is_refused():
    with pytest.raises(InterpError, match="taken by"):
        register_experiment("logit_lens")(NormProfile)


PACKAGE = """
    from dataclasses import dataclass
    from pytest_interp.results import Result

    @dataclass(frozen=True)
    class Size(Result):
        n_layers: int
        provenance: object = None
        def to_json(self): return {"n_layers": self.n_layers}
        def tolerances(self): return {}

    @dataclass(frozen=True)
    class ModelSize:
        '''How many layers.'''
        times: int = 1
        def run(self, adapter) -> Size:
            return Size(adapter.n_layers * self.times)
"""
SPEC = """
    model: planted-gpt2
    backends: [nnsight]
    experiment: model_size
    inputs: {times: 2}
    claims:
      - n_layers: {equals: 12}
      - even: {}
"""
CONFTEST = """
    from pytest_interp.claims import register_claim

    @register_claim("even")
    def assert_even(result) -> None:
        assert result.n_layers % 2 == 0
"""


def test_another_package_adds_an_experiment_and_a_conftest_a_claim(pytester, monkeypatch):
    site = pytester.mkdir("site")
    site.joinpath("somebody.py").write_text(textwrap.dedent(PACKAGE))
    info = site / "somebody-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: somebody\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(
        "[pytest_interp.experiments]\nmodel_size = somebody:ModelSize\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    pytester.makeconftest(textwrap.dedent(CONFTEST))
    pytester.path.joinpath("size.interp.yaml").write_text(textwrap.dedent(SPEC))
    run = pytester.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    run.assert_outcomes(passed=2)


# -------------------------------------------------------------- the page that explains all this

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'^```\w+ title="(.+?)"\n(.*?)^```$', PAGE, flags=re.DOTALL | re.MULTILINE))
SPECS = sorted(name for name in FILES if name.endswith(".interp.yaml"))


def test_the_page_shows_the_files_of_the_example():
    """Its package is what the tests install: what is shown is what is tested."""
    shown = {name: text for name, text in FILES.items() if name.startswith("interp_example/")}
    assert len(shown) == 9
    for name, text in shown.items():
        assert text == (ROOT / "examples" / "extension" / name).read_text(encoding="utf-8")
    assert FILES["own_claim.py"] == (ROOT / "docs" / "own_claim.py").read_text(encoding="utf-8")


def test_the_table_of_the_page_names_files_and_tests_that_there_are():
    table = PAGE.partition("| To add |")[2].partition("\n\n")[0]
    package = (ROOT / "tests" / "extending" / "test_package.py").read_text(encoding="utf-8")
    for test in re.findall(r"`(test_\w+)`", table):
        assert f"def {test}(" in package
    example = ROOT / "examples" / "extension"
    for name in re.findall(r"`([\w/.]+\.(?:py|yaml))`", table):
        assert any(
            (folder / name).is_file() for folder in (example, example / "interp_example", ROOT)
        ), name
    assert set(re.findall(r"`pytest_interp\.(\w+)s`", table)) == set(HOMES)


@pytest.fixture
def project(pytester, monkeypatch):
    """A project of the files that the page shows."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name, text in FILES.items():
        file = pytester.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return pytester


def test_the_code_of_the_page_runs(project):
    run = project.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--interp-update"
    )
    run.assert_outcomes(passed=15)  # of norms and of outdoes under three backends
    assert list(project.path.rglob("baseline--our-model.json"))


@pytest.mark.parametrize("spec", SPECS)
def test_the_specs_of_the_page_run_outside_pytest(project, spec):
    experiment = yaml.safe_load(FILES[spec])["experiment"]
    run = project.run(sys.executable, "-m", "pytest_interp", "run", experiment, "--config", spec)
    assert run.ret == 0, run.stderr.str()
    assert "passed: " in run.stdout.str()
