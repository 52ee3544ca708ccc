"""An experiment, a claim, a model, an architecture and a site, each added from outside."""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from pytest_interp.adapters import BACKENDS, Layout, Weights, open_adapter, register_layout
from pytest_interp.errors import InterpError, UnknownNameError, UnsupportedSiteError
from pytest_interp.experiments import causal_trace
from pytest_interp.experiments.registry import (
    experiment_names,
    find_experiment,
    register_experiment,
)
from pytest_interp.models import load_model, register_model
from pytest_interp.planted import planted_model
from pytest_interp.sites import Kind, Site, parse_site, register_site
from tests.tiny import tiny_module, tiny_tokenizer, tiny_weights

# ---------------------------------------------------------------------------------- a site

MLP_HIDDEN = register_site(
    "mlp_hidden",
    before="mlp_out",
    hook="mlp.out.hook_in",
    paths={
        "gpt2": "mlp.c_proj.input",
        "llama": "mlp.down_proj.input",
        "gemma3": "mlp.down_proj.input",
    },
)
DOWN = {"gpt2": "c_proj", "llama": "down_proj", "gemma3": "down_proj"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("architecture", ["gpt2", "llama", "gemma3"])
def test_added_site_is_read_and_written_where_a_torch_hook_says(architecture, backend):
    weights = tiny_weights(architecture)
    adapter = open_adapter(weights, backend)
    tokens = torch.tensor([[3, 7, 11, 19]])
    seen = []
    down = weights.module.get_submodule(f"{adapter.layout.blocks}.1.mlp.{DOWN[architecture]}")
    handle = down.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    weights.module(tokens)
    handle.remove()
    site = Site(MLP_HIDDEN, 1)

    read = adapter.run(tokens, capture=[site])
    # float32 sums of 48 products in another order: 1e-6 of values of about 1
    torch.testing.assert_close(read[site], seen[0], atol=1e-5, rtol=1e-5)

    # without its hidden layer an MLP adds nothing but its bias
    mlp_out = Site(Kind.MLP_OUT, 1)
    written = adapter.run(tokens, capture=[mlp_out], edits={site: torch.zeros_like})
    assert written[mlp_out].std(dim=1).abs().max() < 1e-6
    assert not torch.equal(written.logits, read.logits)


@pytest.mark.parametrize("backend", BACKENDS)
def test_added_site_can_be_traced(backend):
    planted = planted_model("gpt2")
    adapter = load_model("planted-gpt2", backend)
    hidden = causal_trace(adapter, planted.facts[0], site="mlp_hidden")
    out = causal_trace(adapter, planted.facts[0], site="mlp_out")
    # what an MLP adds is a function of its hidden layer alone
    np.testing.assert_allclose(hidden.recovery, out.recovery, atol=1e-4)
    assert out.recovery.max() > 0.5


def test_added_site_is_known_by_name():
    assert Kind("mlp_hidden") is MLP_HIDDEN
    assert parse_site("mlp_hidden@last").kind is MLP_HIDDEN
    assert MLP_HIDDEN not in list(Kind)
    with pytest.raises(UnknownNameError, match="mlp_hidden"):
        Site("mlp_hiden", 0)


def test_added_site_without_a_path_for_an_architecture_is_refused():
    only = register_site("only_gpt", before="mlp_out", hook="x", paths={"gpt2": "mlp.input"})
    adapter = open_adapter(tiny_weights("llama"), BACKENDS[0])
    with pytest.raises(UnsupportedSiteError, match="'llama'"):
        adapter.run([[1, 2]], capture=[Site(only, 0)])


@pytest.mark.parametrize("name", ["mlp_out", "mlp_hidden", "Upper", "head.1"])
def test_site_names_that_cannot_be_added(name):
    with pytest.raises(InterpError):
        register_site(name, before="mlp_out", hook="other", paths={"gpt2": "mlp.input"})


# -------------------------------------------------------------------------- an architecture


@pytest.fixture
def renamed():
    """A model of a type that nobody has described: a Llama under another name."""
    module = tiny_module("llama")
    module.config.model_type = "somebodys_llama"
    return Weights("somebodys", module, tiny_tokenizer(), "random")


@pytest.mark.parametrize("backend", BACKENDS)
def test_architecture_is_one_layout(renamed, backend, monkeypatch):
    from pytest_interp.adapters import layouts

    monkeypatch.setattr(layouts, "_LAYOUTS", dict(layouts._LAYOUTS))
    with pytest.raises(UnknownNameError, match="register_layout"):
        open_adapter(renamed, backend)
    register_layout(
        Layout(
            name="somebodys",
            model_types=("somebodys_llama",),
            embed="model.embed_tokens",
            blocks="model.layers",
            attention="self_attn",
            z="self_attn.o_proj",
            attn_out="self_attn",
            resid_mid="post_attention_layernorm",
            mlp_out="mlp",
            final_norm="model.norm",
        )
    )
    adapter = open_adapter(renamed, backend)
    tokens = adapter.encode("w1 w2 w3")
    run = adapter.run(tokens, capture=adapter.sites(Kind.RESID_POST), logits="all")
    expected = renamed.module(tokens, output_hidden_states=True)
    torch.testing.assert_close(run.logits, expected.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        run[Site(Kind.RESID_POST, 0)], expected.hidden_states[1], atol=1e-5, rtol=1e-5
    )


# --------------------------------------------------------------------------------- a model


def test_model_is_one_line(tmp_path, monkeypatch):
    from pytest_interp.models import registry

    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    tiny_module("gpt2").save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    register_model("extending-tiny", tmp_path)
    adapter = load_model("extending-tiny", "nnsight")
    assert adapter.name == "extending-tiny"
    assert adapter.n_layers == 4


# --------------------------------------------------------------------------- an experiment


@dataclass(frozen=True)
class Norms:
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
        assert name in experiment_names()
        experiment = find_experiment(name)
        results.append(experiment.run(adapter, experiment.configure({"prompt": prompt})))
    assert results[0] == results[1]
    assert len(results[0].values) == adapter.n_layers
    assert find_experiment("extending_norms").summary.startswith("The length of the residual")
    assert find_experiment("extending_function").result_type is Norms


@pytest.mark.parametrize(
    "thing", [lambda adapter: None, lambda a, b, c: None, type("Plain", (), {"run": 1}), Prompt]
)
def test_what_cannot_be_an_experiment_is_refused(thing):
    with pytest.raises(InterpError, match="cannot be the experiment 'extending_bad'"):
        register_experiment("extending_bad")(thing)
    with pytest.raises(UnknownNameError):
        find_experiment("extending_bad")


def test_experiment_name_that_is_taken_is_refused():
    with pytest.raises(InterpError, match="taken by"):
        register_experiment("logit_lens")(NormProfile)


PACKAGE = """
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Size:
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

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


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
