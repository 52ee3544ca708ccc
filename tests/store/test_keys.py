"""Keys: equal for what must give the same numbers, and for nothing else."""

import os
from dataclasses import replace
from functools import partial, wraps
from importlib import import_module
from pkgutil import walk_packages
from unittest.mock import Mock

import pytest
import torch

from pytest_interp import causal_trace, logit_lens
from pytest_interp.experiments.calls import Call
from pytest_interp.facts import FactPrompt
from pytest_interp.models.sources import FolderSource, PlantedSource
from pytest_interp.options import TraceOptions
from pytest_interp.provenance import seeded
from pytest_interp.store import keys
from pytest_interp.store.keys import files_of, key_of
from pytest_interp.store.patched import COMPUTES, patched
from pytest_interp.store.settings import changed_settings

FACT = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
MODEL = {"name": "a", "backend": "nnsight", "device": None, "dtype": None, "files": "planted gpt2"}


def key(experiment=causal_trace, fact=FACT, options=None, model=None, **named):
    asked = (fact,) if options is None else (fact, options)
    return key_of(Call(experiment, None, asked, named), {**MODEL, **(model or {})})


@pytest.mark.guarantee(
    "green",
    "A kept result answers only for the very same inputs, model, versions and code.",
    sees="anything else is computed",
)
def test_anything_that_differs_gives_another_key(monkeypatch):
    other = replace(FACT, clean_prompt="The capital of Spain is", subject="Spain")
    found = [
        key(),
        key(logit_lens),
        key(fact=other),
        key(options=TraceOptions.of(None, site="mlp_out")),
        key(options=TraceOptions.of(None, direction="noise")),
        key(options=TraceOptions.of(None, corruption="gaussian")),
        key(controls=False),
        *(key(model={name: "another"}) for name in MODEL),
    ]
    with seeded(1):
        found.append(key())
    for change in ("versions_here", "code_version"):
        with monkeypatch.context() as patch:
            changed = {"torch": "0"} if change == "versions_here" else "0"
            patch.setattr(keys, change, lambda changed=changed: changed)
            found.append(key())
    assert None not in found
    assert len(set(found)) == len(found)
    assert key() == found[0]


def test_what_has_no_exact_form_has_no_key():
    assert key(measure=lambda: 0) is None


def test_a_checkpoint_written_anew_is_another_one(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"1234")
    (tmp_path / "config.json").write_text("{}")
    source = FolderSource(tmp_path)
    before = files_of(source)
    assert files_of(FolderSource(tmp_path)) == before
    os.utime(tmp_path / "config.json", (1, 1))
    touched = files_of(source)
    there = (tmp_path / "model.safetensors").stat()
    (tmp_path / "model.safetensors").write_bytes(b"4321")
    os.utime(tmp_path / "model.safetensors", ns=(there.st_atime_ns, there.st_mtime_ns))
    assert files_of(source) != touched, "its size and its time are those of before"
    (tmp_path / "model.safetensors").write_bytes(b"123")
    assert before != touched != files_of(source) != before
    assert files_of(PlantedSource("gpt2")) != files_of(PlantedSource("llama"))


@pytest.mark.guarantee(
    "green",
    "Code of this package that a test has replaced is not answered for by a kept result.",
    sees="the experiment is computed with what stands there",
)
def test_a_replaced_function_is_seen(monkeypatch):
    import transformers.models.gpt2.modeling_gpt2 as gpt2

    import pytest_interp.experiments.budgets as budgets
    import pytest_interp.experiments.sweep as module
    from pytest_interp.adapters.base import ModelAdapter

    assert patched() is None
    with monkeypatch.context() as patch:
        patch.setattr(ModelAdapter, "run", lambda *given: None)
        assert patched() == "pytest_interp.adapters.base.ModelAdapter.run"
    with monkeypatch.context() as patch:
        patch.setattr(module, "sweep", lambda *given: None)
        assert patched() == "pytest_interp.experiments.sweep.sweep"
    for home, name in (
        (module, "sweep"),
        (ModelAdapter, "run"),
        (gpt2.GPT2MLP, "forward"),
        (torch.nn.functional, "layer_norm"),
    ):
        function = getattr(home, name)
        for other in (wraps(function)(lambda *given: None), partial(key, function), Mock()):
            with monkeypatch.context() as patch:
                patch.setattr(home, name, other)
                assert patched() is not None, (home, name, other)
        assert patched() is None

    class OwnBlock(gpt2.GPT2MLP):
        pass

    class OwnBudget(budgets.Budget):
        pass

    for home, name, other in (
        (gpt2, "GPT2MLP", OwnBlock),
        (budgets, "Budget", OwnBudget),
        (ModelAdapter, "embedding_std", property(lambda _: 1.0)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(home, name, other)
            assert patched() is not None, (home, name)
        assert patched() is None
    for name, value in (("SHARE", 0.5), ("MOST_ON_CPU", None)):
        with monkeypatch.context() as patch:
            patch.setattr(budgets, name, value)
            assert patched() == f"pytest_interp.experiments.budgets.{name}"
        assert patched() is None


def test_every_constant_of_this_package_is_as_its_source_says():
    import pytest_interp

    for found in walk_packages(pytest_interp.__path__, "pytest_interp."):
        if found.name.split(".")[1] in COMPUTES:
            import_module(found.name)
    assert patched() is None


@pytest.mark.guarantee(
    "green",
    "A setting of torch that changes numbers is not answered for by a kept result.",
    sees="the experiment is computed with that setting",
)
def test_settings_of_the_process_are_seen():
    assert changed_settings() == []
    with torch.autocast("cpu"):
        assert changed_settings() == ["autocast"]
    with torch.device("meta"):
        assert changed_settings() == ["a mode of torch functions"]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        assert changed_settings() == []
    finally:
        torch.set_num_threads(threads)


def test_a_setting_that_torch_does_not_tell_is_one(monkeypatch):
    # as it raises where torch.backends.fp32_precision was set, the newer name
    def mixed():
        raise RuntimeError("you have used mix of the legacy and new APIs")

    monkeypatch.setattr(torch, "get_float32_matmul_precision", mixed)
    assert changed_settings() == ["precision of float32 products"]
