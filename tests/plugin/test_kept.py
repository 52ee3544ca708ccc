"""Results of earlier runs: read back without weights and torch, and never in place of others."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from planted_spec import trace_spec

from pytest_interp.plugin.kept import KEPT, mode_here

FROM_STORE = "results came from earlier runs"
TRACE = """
@pytest.mark.interp(backends=["transformer_lens"])
def test_trace(trace, adapter, model):
    found = trace(FACT, controls=False)
    with open("seen.txt", "a") as seen:
        print(found.provenance.fingerprint, found.effect.tobytes().hex(), file=seen)
    assert (adapter.name, adapter.backend) == (model.name, "transformer_lens")
"""
ANEW = pytest.mark.guarantee(
    "green",
    "A model that is not as it was loaded is never answered for by a kept result.",
    sees="the experiment is computed on what the test has in its hands",
)


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported():
    """What a run inside this process imports, it forgets, and torch cannot be imported twice."""
    from pytest_interp import load_model

    load_model("planted-gpt2", "transformer_lens")
    gc.collect()


@pytest.fixture
def run(pytester, spec, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(pytester.path / "kept"))

    def run(body: str | None = None, *args: str):
        if body is not None:
            spec(body)
        off = ("-p", "no:cacheprovider", "-p", "no:xdist")
        return pytester.runpytest_inprocess(*off, *args)

    return run


def says(result):
    return [line for line in result.outlines if FROM_STORE in line]


@pytest.mark.guarantee(
    "green",
    "A spec whose results were kept gives its verdict again without weights and without torch.",
    sees="how many results came from earlier runs; their provenance is that of those",
)
def test_a_second_run_needs_no_torch(run, pytester):
    spec_file = pytester.path / "trace.interp.yaml"
    spec_file.write_text(trace_spec(backends="[transformer_lens]"))
    first = run(TRACE)
    first.assert_outcomes(passed=2)
    assert says(first) == []
    code = (
        "import pytest, sys, json\n"
        "assert pytest.main(['-q', '-p', 'no:cacheprovider']) == 0\n"
        "print(json.dumps([n for n in ('torch', 'transformers', 'scipy') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "2 of 2 results came from earlier runs" in done.stdout
    seen = (pytester.path / "seen.txt").read_text().splitlines()
    assert seen[0] == seen[1]
    assert json.loads(done.stdout.splitlines()[-1]) == []
    # an edited threshold is told by the same numbers
    spec_file.write_text(trace_spec((0, 1), "[transformer_lens]"))
    again = run()
    again.assert_outcomes(passed=1, failed=1)
    assert says(again)


@ANEW
@pytest.mark.parametrize(
    "change",
    [
        "adapter.weights.module.transformer.h[1].mlp.c_proj.weight.data.zero_()",
        "model.module.transformer.h[1].register_forward_hook(lambda *given: None)",
    ],
)
def test_what_was_changed_is_computed(run, change):
    run(TRACE).assert_outcomes(passed=1)
    body = f"""
@pytest.mark.interp(backends=["transformer_lens"])
def test_changed(trace, adapter, model):
    {change}
    trace(FACT, controls=False)
"""
    found = run(body)
    assert says(found) == []
    # what was computed on the changed model has not been kept either
    assert says(run(TRACE)) != []


@ANEW
def test_a_replaced_run_is_used(run):
    run(TRACE).assert_outcomes(passed=1)
    body = """
def other(self, *given, **named):
    raise RuntimeError("computed")

@pytest.mark.interp(backends=["transformer_lens"])
def test_changed(trace, monkeypatch):
    monkeypatch.setattr("pytest_interp.adapters.base.ModelAdapter.run", other)
    with pytest.raises(RuntimeError, match="computed"):
        trace(FACT, controls=False)
"""
    result = run(body)
    assert result.parseoutcomes()["passed"] == 1
    assert says(result) == []


@ANEW
def test_an_adapter_of_the_project_is_computed_each_time(run):
    run(TRACE)
    own = """
@pytest.fixture
def adapter(model):
    from pytest_interp.adapters import open_adapter
    return open_adapter(model.copy(), "transformer_lens")
"""
    found = run(own + TRACE)
    found.assert_outcomes(passed=1)
    assert says(found) == []


def test_what_stands_for_a_model_is_one_as_far_as_users_can_tell(run):
    run(TRACE)
    body = """
@pytest.mark.interp(backends=["transformer_lens"])
def test_kind(adapter, model):
    import dataclasses
    from pytest_interp.adapters import ModelAdapter, Run, Weights, open_adapter
    assert isinstance(adapter, ModelAdapter) and isinstance(model, Weights)
    assert repr(adapter) == "<planted-gpt2 under transformer_lens>"
    assert adapter.weights is model
    assert adapter.n_layers == model.module.config.n_layer
    assert isinstance(adapter.run("visitors say"), Run)
    assert open_adapter(model, "transformer_lens").n_layers == adapter.n_layers
    assert isinstance(adapter.copy(), ModelAdapter)
    assert dataclasses.replace(model, source="another").source == "another"
    assert type(adapter).run is adapter.__class__.run is ModelAdapter.run
"""
    run(body).assert_outcomes(passed=1)


@pytest.mark.guarantee(
    "green",
    "Runs of a CI use no results of earlier runs unless they are asked to.",
    sees="every result is computed",
)
def test_where_they_are_used(monkeypatch, pytester):
    def mode(*args):
        return mode_here(pytester.parseconfig(*args))

    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(pytester.path))
    assert mode() == "on"
    assert mode("--interp-cache=refresh") == "refresh"
    for name in ("CI", "BUILD_NUMBER"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "true")
            assert mode() == "off"
            assert mode("--interp-cache=on") == "on"
    pytester.makeini("[pytest]\ninterp_cache = off\n")
    assert mode() == "off"
    assert mode("--interp-cache=on") == "on"
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", "off")
    assert mode("--interp-cache=on") == "off"


def test_asked_anew_or_not_at_all(run):
    run(TRACE)
    assert not says(run(None, "--interp-cache=refresh"))
    assert not says(run(None, "--interp-cache=off"))
    assert says(run())


WORKERS = pytest.mark.guarantee(
    "green",
    "Workers of xdist share kept results, and the run says how many all of them read.",
    sees="how many results came from earlier runs, over all workers",
)


@WORKERS
def test_counts_of_workers_add_up(pytester):
    config = pytester.parseconfigure()
    for counts in ([2, 1], [3, 0]):
        node = SimpleNamespace(config=config, workeroutput={"interp_kept": counts})
        config.hook.pytest_testnodedown(node=node, error=None)
    said = config.stash[KEPT].said("--interp-cache")
    assert said.startswith("5 of 6 results came from earlier runs")


@WORKERS
@pytest.mark.slow
def test_workers_read_what_one_process_kept(run, pytester):
    pytest.importorskip("xdist")
    body = """
@pytest.mark.interp(backends=["transformer_lens"])
@pytest.mark.parametrize("layer", range(4))
def test_layer(trace, layer):
    trace(FACT, controls=False, layers=[layer])
"""
    run(body).assert_outcomes(passed=4)
    again = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n2", "--dist=load")
    again.assert_outcomes(passed=4)
    assert "4 of 4 results came from earlier runs" in again.stdout.str()
