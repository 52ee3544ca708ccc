"""What tests share stays as it was loaded, and a result is of the weights as they are."""

from __future__ import annotations

import gc

import pytest

ZERO = """
import torch

def mlp(weights, layer=1):
    return weights.module.transformer.h[layer].mlp

def zero(weights):
    # as people write it: the version counters of torch do not see this
    for layer in (1, 2):
        mlp(weights, layer).c_proj.weight.data.zero_()
        mlp(weights, layer).c_proj.bias.data.zero_()
"""
COPY = "To change a model, change a copy: model.copy()"


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported():
    """What a run inside this process imports, it forgets, and torch cannot be imported twice."""
    from pytest_interp import load_model

    for backend in ("transformer_lens", "nnsight"):
        load_model("planted-gpt2", backend)
    gc.collect()


@pytest.fixture
def run(pytester, spec):
    def run(body: str, *args: str):
        spec(ZERO + body)
        off = ("-p", "no:cacheprovider", "-p", "no:xdist")
        return pytester.runpytest_inprocess(*off, "-W", "error", *args)

    return run


BOTH = pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])


@BOTH
@pytest.mark.guarantee(
    "green",
    "A result is of the weights as they are, and so is its fingerprint.",
    sees="after a change of the weights the experiment runs again; its fingerprint is another one",
)
def test_a_result_is_of_the_weights_as_they_are(run, backend):
    result = run(
        """
def test_x(adapter, trace):
    before = trace(FACT)
    assert trace(FACT) is before
    model = adapter.weights
    kept = [p.clone() for p in model.module.parameters()]
    zero(model)
    after = trace(FACT)
    assert after.clean_metric < before.clean_metric - 1
    assert after.provenance.fingerprint != before.provenance.fingerprint
    for p, old in zip(model.module.parameters(), kept):
        p.data.copy_(old)
    assert trace(FACT) is before
""",
        f"--interp-backend={backend}",
    )
    result.assert_outcomes(passed=1)


CHANGES = {
    "zero(model)": "tensor transformer.h.1.mlp.c_proj.weight",
    "model.module.lm_head.weight = torch.nn.Parameter(0 * model.module.lm_head.weight)": (
        "tensor lm_head.weight"
    ),
    "mlp(model).register_forward_hook(lambda *_: None)": "hooks at transformer.h.1.mlp",
    "model.module.transformer.h[1].mlp = torch.nn.Identity()": "tensor transformer.h.1.mlp",
    "mlp(model).forward = lambda x: 0 * x": "module transformer.h.1.mlp",
    "model.module.train()": "module the model",
    "model.module.transformer.h[1].attn.scaling = 7.0": "module transformer.h.1.attn",
    "model.module.config.n_inner = 7": "the config",
    "model.tokenizer.add_tokens(['xyz'])": "the tokenizer",
}
OF_ADAPTER = {
    "part.register_forward_hook(lambda *_: None)": "hooks at *mlp under BACKEND",
    "part.c_proj.weight = torch.nn.Parameter(0 * part.c_proj.weight)": "tensor *mlp*c_proj*",
    "adapter._forward = lambda *_: None": "attribute _forward of *",
    "type(adapter).noticed = 1": "method noticed of *",
    "adapter.n_layers = 1": "attribute n_layers of *",
    "adapter.tokenizer = list": "attribute tokenizer of *",
}
PART = """
def part_of(adapter):
    whole = adapter._bridge if adapter.backend == "transformer_lens" else adapter._model._module
    parts = (one for name, one in whole.named_modules() if name.endswith("mlp"))
    return next(one for one in parts if hasattr(one, "c_proj"))
"""


def one_test_for_each(changes: dict[str, str]) -> str:
    """Tests that change something, each between two that need the model as it was loaded."""
    return "".join(
        f"""
def test_{i}_changes(model, adapter):
    part = part_of(adapter)
    {change}

def test_{i}_is_restored(lens):
    assert lens(FACT.clean_prompt, " Paris").crossover_layer == 4
    assert lens.adapter.weights.fingerprint == "@PRINT"
"""
        for i, change in enumerate(changes)
    )


@BOTH
@pytest.mark.guarantee(
    "green",
    "A test that changes a shared model fails, and the next test gets the model as it was loaded.",
    sees="an error at the end of that test: which tensors, modules or hooks, and model.copy()",
)
def test_a_test_that_changes_a_model_is_found_out(run, backend, monkeypatch):
    from pytest_interp import load_model

    adapter = load_model("planted-gpt2", backend)
    monkeypatch.setattr(type(adapter), "noticed", 0, raising=False)
    changes = {**CHANGES, **OF_ADAPTER}
    body = one_test_for_each(changes).replace("@PRINT", adapter.weights.fingerprint)
    result = run(PART + body, f"--interp-backend={backend}")
    result.assert_outcomes(passed=2 * len(changes), errors=len(changes))
    for i, named in enumerate(changes.values()):
        named = named.replace("BACKEND", backend)
        result.stdout.fnmatch_lines(
            [f"*test_{i}_changes*", f"*is not the same after this test: {named}*", f"{COPY}*"]
        )


@pytest.mark.guarantee(
    "green",
    "The result of a YAML spec is of the weights as they are.",
    sees="a claim on weights that a fixture changed is measured on those",
)
def test_claims_of_a_spec_file_are_about_the_weights_as_they_are(pytester):
    pytester.makeconftest(
        ZERO
        + """
import pytest

@pytest.fixture
def broken(adapter, request):
    weight = adapter.weights.module.lm_head.weight
    kept = weight.clone()
    if "crossover" in request.node.name:
        weight.data.zero_()
    yield
    weight.data.copy_(kept)
"""
    )
    pytester.path.joinpath("lens.interp.yaml").write_text(
        """\
experiment: logit_lens
model: planted-gpt2
backends: [nnsight]
inputs: {prompt: visitors say that Acropolis stands in, answer: " Paris"}
fixtures: [broken]
claims:
  - final_prob: {at_least: 0.9}
  - crossover_layer: {at_least: 99}
"""
    )
    off = ("-p", "no:cacheprovider", "-p", "no:xdist")
    result = pytester.runpytest_inprocess(*off, "-W", "error")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*crossover_layer is 4*")


def test_a_test_without_a_model_pays_nothing(run, monkeypatch):
    from pytest_interp.adapters import state

    def read(*_: object) -> None:
        raise AssertionError("no model was asked for")

    monkeypatch.setattr(state, "digests", read)
    monkeypatch.setattr(state, "parts_of", read)
    run("def test_x(tmp_path): pass").assert_outcomes(passed=1)
