"""An experiment and a claim, each added from outside; and the page that explains all this."""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_interp.errors import InterpError, UnknownNameError
from pytest_interp.experiments.registry import EXPERIMENTS, register_experiment
from pytest_interp.models import load_model
from pytest_interp.planted import planted_model
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
    from pytest_interp.specs.claims import register_claim

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

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


def test_the_code_of_the_page_runs(pytester):
    """As the conftest of a project, with the spec file that the page shows."""
    page = PAGE.read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (spec,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(code) == 5
    pytester.makeconftest("\n".join(code))
    claim = "  - norms_grow: {factor: 0.5}\n"
    spec = spec.replace("baseline: true", claim + "baseline: true")
    pytester.path.joinpath("norms.interp.yaml").write_text(spec)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.interp(model="planted-gpt2")
        def test_neurons(adapter):
            sites = adapter.sites("mlp_neurons")
            run = adapter.run(adapter.encode("visitors say that"), capture=sites)
            assert run[sites[0]].shape[:2] == (1, 3)
        """
    )
    run = pytester.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--interp-update"
    )
    run.assert_outcomes(passed=8)
    assert list(pytester.path.rglob("baseline--planted-gpt2.json"))
