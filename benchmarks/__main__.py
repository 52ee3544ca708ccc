"""The whole [layer x position] ``resid_post`` map on SmolLM2: one growing pass against the rest.

``python -m benchmarks [--tokens 5 10 33] [--repeat 3]`` prints a table. All times come from one
process; on a noisy machine compare the ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.rivals import NNsightInvokes, NNsightLoop, TransformerLensPatching
from pytest_interp import FactPrompt, causal_trace, load_model
from pytest_interp.adapters import BACKENDS, ModelAdapter
from pytest_interp.prompts import TokenizedFact, tokenize_fact

_LONG = (
    "The people of {} are proud of their country, of its history, its rivers and mountains, "
    "its food and its language, and of its capital, the city of"
)
FACTS = {
    5: ("The capital of {} is", "France", "Japan"),
    10: ("The capital of {} is the famous old city of", "France", "Japan"),
    33: (_LONG, "France", "Japan"),
}


def fact_of(tokens: int, adapter: ModelAdapter) -> TokenizedFact:
    """The benchmark's fact with a prompt of that many tokens."""
    template, clean, corrupt = FACTS[tokens]
    prompts = (template.format(clean), template.format(corrupt))
    fact = tokenize_fact(FactPrompt(*prompts, " Paris", " Tokyo", clean), adapter.tokenizer)
    if len(fact) != tokens:
        raise SystemExit(f"the prompt of {tokens} tokens has {len(fact)}: {fact.str_tokens}")
    return fact


def timed(call: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """The shortest time of several calls in seconds, and what the last one gave."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - start)
    return best, result


def matmul_rate(adapter: ModelAdapter, rows: int) -> float:
    """Multiply-adds a second of the model's own kind of matrix product."""
    config = adapter.weights.module.config
    a, b = (
        torch.randn(rows, adapter.d_model),
        torch.randn(adapter.d_model, config.intermediate_size),
    )
    seconds, _ = timed(lambda: [a @ b for _ in range(20)], 3)
    return 20 * a.shape[0] * a.shape[1] * b.shape[1] / seconds


def operations(adapter: ModelAdapter, n: int, first: int) -> int:
    """Multiply-adds of the matrix products that the map needs.

    Each cell that can matter is a run of its own from its layer up; at the last block only the
    last position matters. Attention scores are left out: they are small at these lengths.
    """
    module = adapter.weights.module
    block = sum(p.numel() for p in module.model.layers[0].parameters() if p.ndim == 2)
    unembed = adapter.d_model * adapter.d_vocab
    cells = [(layer, n - first) for layer in range(adapter.n_layers - 1)]
    cells.append((adapter.n_layers - 1, 1))
    above = sum(count * (adapter.n_layers - 1 - layer) for layer, count in cells)
    runs = 2 + sum(count for _, count in cells)
    return (2 * adapter.n_layers + above) * n * block + runs * unembed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=list(FACTS), choices=list(FACTS))
    parser.add_argument("--repeat", type=int, default=3, help="repeats of the growing pass")
    options = parser.parse_args()
    adapters = {b: load_model("smollm2-135m", b, device="cpu", dtype="float32") for b in BACKENDS}
    first = next(iter(adapters.values()))
    rivals = [
        kind(first.weights) for kind in (TransformerLensPatching, NNsightLoop, NNsightInvokes)
    ]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32, {first.name}")
    for tokens in options.tokens:
        fact = fact_of(tokens, first)
        start = min(fact.corrupted_positions)
        rate = matmul_rate(first, rows=50 * tokens)
        floor = operations(first, tokens, start) / rate
        print(f"\n{tokens} tokens, {first.n_layers} layers, first difference at {start}")
        print(f"  {'':<34}{'seconds':>9}{'of floor':>10}{'times ours':>12}{'max |diff|':>12}")
        print(f"  {'floor: products at ' + f'{rate / 1e9:.0f} G/s':<34}{floor:>9.3f}{1:>10.1f}")
        ours: dict[str, float] = {}
        reference = None
        for backend, adapter in adapters.items():
            causal_trace(adapter, fact.fact, layers=[0])  # imports and first-call costs
            seconds, trace = timed(partial(causal_trace, adapter, fact.fact), options.repeat)
            ours[backend] = seconds
            reference = reference or trace
            difference = abs(trace.recovery - reference.recovery).max()
            row("growing pass, " + backend, seconds, floor, seconds, difference)
        for rival in rivals:
            with torch.no_grad():
                seconds, patched = timed(partial(rival, fact), 1)
            recovery = (patched.double().numpy() - reference.corrupt_metric) / reference.gap
            # against ours on the same backend
            mine = ours["nnsight" if "nnsight" in rival.name else "transformer_lens"]
            difference = abs(recovery - reference.recovery).max()
            row(rival.name, seconds, floor, mine, difference)


def row(name: str, seconds: float, floor: float, ours: float, difference: float) -> None:
    """One line of the table."""
    times = seconds / ours
    print(f"  {name:<34}{seconds:>9.3f}{seconds / floor:>10.1f}{times:>12.1f}{difference:>12.1e}")


if __name__ == "__main__":
    main()
