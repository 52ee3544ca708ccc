"""The memory that passes may take: rows follow from it, and what cannot fit does not start."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import tiny_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from pytest_interp import FactPrompt, causal_trace, causal_traces, logit_lens
from pytest_interp.adapters import ModelAdapter, Weights, open_adapter
from pytest_interp.adapters.sizes import Sizes
from pytest_interp.errors import InterpError, MemoryLimitError
from pytest_interp.experiments import budgets
from pytest_interp.experiments.budgets import Budget, bytes_of_row, row_of
from pytest_interp.memory import in_words, limit_memory, memory_limit, parse_bytes
from pytest_interp.models import room
from pytest_interp.models.room import free_bytes

SMOLLM2 = Sizes(30, 9, 3, 576, 64, 1536, 49152)
CLEAR = Path("/proc/self/clear_refs")


def fact(*words, other="w7"):
    return FactPrompt(
        clean_prompt=" ".join(words),
        corrupt_prompt=" ".join([other, *words[1:]]),
        answer="w31",
        counterfactual_answer="w8",
        subject=words[0],
    )


FACT = fact("w14", "w15", "w9", "w26")


@pytest.fixture
def limit():
    yield limit_memory
    limit_memory(None)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4e9), ("2GiB", 2 << 30), ("1.5 mb", 1.5e6), ("800", 800), ("3kib", 3072)],
)
def test_amounts_of_memory(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["four", "4XB", "-1GB", "0", "0GB", "", "1e9"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(InterpError, match="is no amount of memory: write a number and a unit, as"):
        parse_bytes(text)


def test_amounts_in_words():
    assert [in_words(n) for n in (4e9, 1.25e6, 999)] == ["4 GB", "1.25 MB", "999 bytes"]


@pytest.mark.parametrize("part", ["n_heads", "d_model", "d_mlp", "d_vocab", "n_kv_heads"])
def test_the_larger_a_model_the_larger_a_row(part):
    larger = replace(SMOLLM2, **{part: 2 * getattr(SMOLLM2, part)})
    assert bytes_of_row(larger, 4, 16) > bytes_of_row(SMOLLM2, 4, 16)


def test_a_row_is_larger_with_more_tokens_keys_or_captures():
    plain = bytes_of_row(SMOLLM2, 4, 16)
    assert bytes_of_row(SMOLLM2, 4, 17) > plain
    assert bytes_of_row(SMOLLM2, 4, 16, n_keys=32) > plain
    assert bytes_of_row(SMOLLM2, 4, 16, kept=10) == plain + 40
    assert bytes_of_row(SMOLLM2, 2, 16) < plain


@pytest.mark.guarantee(
    "green",
    "The rows of a pass follow from the memory that it may take, and change no number.",
    sees="with `--interp-memory` more passes of fewer rows, and the same map",
)
def test_rows_follow_from_the_limit(passes, limit):
    adapter, rows = passes("nnsight")
    facts = [fact("w14", "w15", f"w{i}", "w26") for i in range(20, 30)]
    whole = causal_traces(adapter, facts)
    assert max(rows) > 100
    row = row_of(adapter, len(FACT.clean_prompt.split()))
    for n_rows in (8, 40):
        rows.clear()
        limit(n_rows * row)
        for one, other in zip(causal_traces(adapter, facts), whole, strict=True):
            np.testing.assert_allclose(one.patched_metric, other.patched_metric, atol=1e-5)
        assert n_rows / 3 < max(rows) <= n_rows


@pytest.mark.guarantee(
    "messages",
    "A run that cannot fit in memory says so before it starts.",
    sees="what the smallest pass needs, what there is, and that `--interp-memory` or `max_rows` "
    "mends it",
)
def test_what_cannot_fit_does_not_start(passes, limit, monkeypatch):
    adapter, rows = passes("nnsight")
    monkeypatch.setattr(ModelAdapter, "prefix", lambda *_: pytest.fail("started"))
    row = row_of(adapter, 4)
    limit(2 * row)
    smallest = rf"smallest pass, 3 rows of {in_words(row)} \(tiny-llama, prompts of 4 tokens\), "
    smallest += rf"needs about .*, and the limit given allows {in_words(2 * row)}\. Allow more with"
    with pytest.raises(MemoryLimitError, match=smallest + " --interp-memory .* max_rows cannot"):
        causal_trace(adapter, FACT, controls=False)
    limit(50 * row)
    with pytest.raises(MemoryLimitError, match=r"max_rows=500 rows of .* or ask for max_rows=4\d"):
        causal_trace(adapter, FACT, controls=False, max_rows=500)
    limit(100)
    with pytest.raises(MemoryLimitError, match=r"over one prompt of 4 tokens needs .* shorter"):
        logit_lens(adapter, FACT.clean_prompt, FACT.answer)
    assert rows == []


def test_without_a_limit_a_share_of_what_is_free(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(budgets, "free_bytes", lambda _: 40 << 30)
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    assert Budget.of(gpu).bytes == 10 << 30
    assert Budget.of(cpu).bytes == 1 << 30
    assert Budget.of(cpu).most == 40 << 30
    assert "42.9 GB are free on cuda" in Budget.of(gpu).source
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    assert Budget.of(gpu).bytes == 10 << 28


def test_what_is_free(tmp_path, monkeypatch):
    assert 0 < free_bytes(torch.device("cpu")) < 1 << 50
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 100 kB\nMemAvailable: 50 kB\n")
    monkeypatch.setattr(room, "_CGROUP", tmp_path)
    monkeypatch.setattr(room, "_MEMINFO", meminfo)
    assert free_bytes(torch.device("cpu")) == 3000, "the limit of the container"
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(torch.device("cpu")) == 50 * 1024
    fake = SimpleNamespace(
        mem_get_info=lambda _: (100, 1000),
        memory_reserved=lambda _: 50,
        memory_allocated=lambda _: 20,
    )
    monkeypatch.setattr(torch, "cuda", fake)
    assert free_bytes(torch.device("cuda")) == 130, "torch gives back what it holds and uses not"


def read(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(x for x in lines if x.startswith(field)).split()[1]) * 1024


@pytest.mark.skipif(not CLEAR.exists(), reason="memory is read from /proc")
def test_the_peak_is_what_was_allowed(limit):
    """Not above the limit, and not far below it."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=61,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    module = LlamaForCausalLM(config).eval().requires_grad_(False)
    module.set_attn_implementation("eager")
    adapter = open_adapter(Weights("wide", module, tiny_tokenizer(), "random"), "nnsight")
    words = [f"w{i}" for i in range(10, 50)]
    facts = [fact(*words, other=f"w{i}") for i in range(1, 9)]
    causal_trace(adapter, facts[0], controls=False, max_rows=3)  # first-call costs
    allowed = 200_000_000
    limit(allowed)
    CLEAR.write_text("5")
    before = read("VmRSS")
    causal_traces(adapter, facts)
    peak = read("VmHWM") - before
    assert 0.3 * allowed < peak < 1.2 * allowed


def test_the_option_and_its_ini_twin(pytester):
    pytester.makepyfile(
        "from pytest_interp.memory import memory_limit\n"
        "def test_it(): assert memory_limit() == EXPECTED".replace("EXPECTED", "2 * 10**9")
    )
    assert pytester.runpytest_inprocess("--interp-memory=2GB").ret == 0
    pytester.makeini("[pytest]\ninterp_memory = 2GB\n")
    assert pytester.runpytest_inprocess().ret == 0
    assert pytester.runpytest_inprocess("--interp-memory=3GB").ret == 1, "it overrides the file"
    assert memory_limit() is None, "as before the run"
    result = pytester.runpytest_inprocess("--interp-memory=lots")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'lots' is no amount of memory" in "\n".join(result.errlines)
