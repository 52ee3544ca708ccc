"""What a kept result never answers for: whatever is not as it was when the result was kept."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.usefixtures("everything_is_imported")

KEEP = """
@pytest.mark.interp(backends=["transformer_lens"])
def test_trace(trace):
    trace(FACT, controls=False)
"""
READS = """
import functools

import os

import pytest

@pytest.fixture(autouse=True)
def read(monkeypatch):
    from pytest_interp.store.files import Store

    def read(*given):
        raise LookupError("the store was asked")

    monkeypatch.setattr(Store, "read", read)

def wrapped(function):
    @functools.wraps(function)  # which takes over module and name
    def wrapper(*given, **named):
        return function(*given, **named)
    return wrapper

def wrap(monkeypatch, thing, name):
    monkeypatch.setattr(thing, name, wrapped(getattr(thing, name)))

@pytest.mark.interp(backends=["transformer_lens"])
def test_as_it_was(trace):
    with pytest.raises(LookupError):
        trace(FACT, controls=False)
"""
CHANGES = {
    "the_class_of_the_adapter": 'wrap(monkeypatch, type(adapter), "run")',
    "its_dunder_class": 'wrap(monkeypatch, adapter.__class__, "run")',
    "set_on_the_class": 'monkeypatch.setattr(type(adapter), "run", lambda *_: 0)\n'
    "    with pytest.raises(TypeError): trace(FACT, controls=False)\n    monkeypatch.undo()\n"
    '    wrap(monkeypatch, type(adapter), "run")',
    "a_method_of_this_one": 'wrap(monkeypatch, adapter, "run")',
    "a_callable_object": 'monkeypatch.setattr("pytest_interp.experiments.tracing.causal_trace", '
    "functools.partial(wrapped(causal_trace.function)))",
    "the_experiment": 'wrap(monkeypatch, tracing, "causal_trace")',
    "a_constant": 'monkeypatch.setattr("pytest_interp.experiments.budgets.SHARE", 0.5)',
    "a_function_of_torch": 'wrap(monkeypatch, torch, "softmax")',
    "a_function_of_transformers": 'wrap(monkeypatch, gpt2, "eager_attention_forward")',
    "the_dtype_of_torch": "torch.set_default_dtype(torch.float64)\n    request.addfinalizer("
    "lambda: torch.set_default_dtype(torch.float32))",
    "the_precision_of_products": 'torch.set_float32_matmul_precision("medium")\n'
    '    request.addfinalizer(lambda: torch.set_float32_matmul_precision("highest"))',
    "hooks_on_all_modules": "handle = torch.nn.modules.module.register_module_forward_hook("
    "lambda *_: None)\n    request.addfinalizer(handle.remove)",
    "tensors": "weight = model.module.transformer.h[1].mlp.c_proj.weight\n"
    "    with torch.no_grad(): weight.mul_(2)\n"
    "    request.addfinalizer(lambda: weight.data.mul_(0.5))",
}
ANEW = pytest.mark.guarantee(
    "green",
    "A model that is not as it was loaded is never answered for by a kept result.",
    sees="the experiment is computed on what the test has in its hands",
)
FIXTURES = """
@pytest.fixture
def adapter(adapter):
    from pytest_interp.adapters import open_adapter
    return open_adapter(adapter.weights.copy(), adapter.backend)
"""
REGISTERED = """
@pytest.fixture
def metric(monkeypatch):
    from pytest_interp.options.metrics import LOGIT_DIFF, METRICS
    METRICS.add("mine", LOGIT_DIFF, replace=True)
"""


def run(pytester):
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-rA")


@ANEW
def test_what_was_changed_is_computed(pytester, spec):
    spec(KEEP)
    run(pytester).assert_outcomes(passed=1)
    tests = "".join(
        f"""
@pytest.mark.interp(backends=["transformer_lens"])
def test_{name}(trace, adapter, model, monkeypatch, request):
    import torch
    import transformers.models.gpt2.modeling_gpt2 as gpt2
    import pytest_interp.experiments.tracing as tracing
    from pytest_interp import causal_trace

    {change}
    trace(FACT, controls=False)
"""
        for name, change in CHANGES.items()
    )
    spec(READS + tests)
    run(pytester).assert_outcomes(passed=len(CHANGES) + 1)


@ANEW
def test_fixtures_and_extensions_of_the_project_are_computed(pytester, spec):
    spec(KEEP)
    run(pytester).assert_outcomes(passed=1)
    of_extension = KEEP.replace("test_trace(trace", "test_trace(metric, trace")
    spec(READS.partition("@pytest.mark.interp")[0] + FIXTURES + KEEP, "test_spec")
    spec(READS.partition("@pytest.mark.interp")[0] + REGISTERED + of_extension, "test_other")
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.guarantee(
    "green",
    "A facts file that was edited is read anew: no kept result answers for what stood there.",
    sees="the experiment on the facts of now",
)
def test_an_edited_facts_file_is_computed(pytester):
    from planted_spec import trace_spec

    pytester.path.joinpath("one.interp.yaml").write_text(trace_spec(backends="[nnsight]"))
    for fact, read in (("visitors", False), ("visitors", True), ("tourists", False)):
        text = pytester.path.joinpath("one.interp.yaml").read_text()
        pytester.path.joinpath("one.interp.yaml").write_text(text.replace("visitors", fact))
        found = run(pytester)
        found.assert_outcomes(passed=1)
        assert ("came from earlier runs" in found.stdout.str()) is read


@pytest.mark.guarantee(
    "green",
    "A checkpoint that was written anew, or is gone, is not answered for by a kept result.",
    sees="the result of the new files, or the error of loading it, before the test begins",
)
def test_files_of_a_checkpoint_that_changed_or_are_gone(pytester, spec):
    from pytest_interp.planted import planted_model

    planted, folder = planted_model("gpt2", n_layers=2), pytester.path / "checkpoint"
    planted.tokenizer.save_pretrained(folder)
    planted.module.save_pretrained(folder)
    pytester.makeconftest(
        f"from pytest_interp.models import register_model\nregister_model('mine', {str(folder)!r})"
    )
    spec(
        """
@pytest.mark.interp(model="mine", backends=["transformer_lens"])
def test_lens(lens):
    lens(FACT.clean_prompt, " Paris")
"""
    )
    reads = [run(pytester) for _ in range(2)]
    file = folder / "model.safetensors"
    there, content = file.stat(), file.read_bytes()
    file.write_bytes(content[:-4] + bytes(4))  # of one size, and as if at the same time
    os.utime(file, ns=(there.st_atime_ns, there.st_mtime_ns))
    reads.append(run(pytester))
    assert ["came from earlier runs" in one.stdout.str() for one in reads] == [False, True, False]
    for one in reads:
        one.assert_outcomes(passed=1)
    file.unlink()
    run(pytester).assert_outcomes(errors=1)
