"""The whole [layer x position] ``resid_post`` map on SmolLM2: one growing pass against the rest.

``python -m benchmarks [--tokens 5 10 33] [--rounds 3]`` prints a table. All times come from one
process, and every way is timed as often as every other, in turns: on a noisy machine compare the
ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.rivals import NNsightInvokes, NNsightLoop, TransformerLensPatching
from pytest_interp import FactPrompt, causal_trace, load_model
from pytest_interp.adapters import ModelAdapter, backend_names
from pytest_interp.facts.prompts import TokenizedFact, tokenize_fact
from pytest_interp.results import TraceResult

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
    asked = FactPrompt(
        clean_prompt=template.format(clean),
        corrupt_prompt=template.format(corrupt),
        answer=" Paris",
        counterfactual_answer=" Tokyo",
        subject=clean,
    )
    fact = tokenize_fact(asked, adapter.tokenizer)
    if len(fact) != tokens:
        raise SystemExit(f"the prompt of {tokens} tokens has {len(fact)}: {fact.str_tokens}")
    return fact


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """The time of a call in seconds, and what it gave."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def matmul_rate(adapter: ModelAdapter, rows: int) -> float:
    """Multiply-adds a second of the model's own kind of matrix product."""
    config = adapter.weights.module.config
    a, b = (
        torch.randn(rows, adapter.d_model),
        torch.randn(adapter.d_model, config.intermediate_size),
    )
    seconds = min(timed(lambda: [a @ b for _ in range(20)])[0] for _ in range(3))
    return 20 * a.shape[0] * a.shape[1] * b.shape[1] / seconds


def operations(adapter: ModelAdapter, n: int, first: int) -> int:
    """Multiply-adds of the matrix products that the map needs.

    Each cell that can matter is a run of its own from its layer up, and from the first position at
    which the prompts differ; what comes before is run once. At the last block only the last
    position matters. Attention scores are left out: they are small at these lengths.
    """
    module = adapter.weights.module
    block = sum(p.numel() for p in module.model.layers[0].parameters() if p.ndim == 2)
    unembed = adapter.d_model * adapter.d_vocab
    cells = [(layer, n - first) for layer in range(adapter.n_layers - 1)]
    cells.append((adapter.n_layers - 1, 1))
    above = sum(count * (adapter.n_layers - 1 - layer) for layer, count in cells)
    runs = 2 + sum(count for _, count in cells)
    shared = adapter.n_layers * first
    return ((2 * adapter.n_layers + above) * (n - first) + shared) * block + runs * unembed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=list(FACTS), choices=list(FACTS))
    parser.add_argument("--rounds", type=int, default=3, help="times that each way is timed")
    options = parser.parse_args()
    where = {"device": "cpu", "dtype": "float32"}
    adapters = {b: load_model("smollm2-135m", b, **where) for b in backend_names()}
    first = next(iter(adapters.values()))
    kinds = (TransformerLensPatching, NNsightLoop, NNsightInvokes)
    rivals = [kind(first.weights) for kind in kinds]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32, {first.name}")
    for tokens in options.tokens:
        fact = fact_of(tokens, first)
        measured = measure(adapters, rivals, fact, options.rounds)
        start = min(fact.corrupted_positions)
        floor = operations(first, tokens, start) / measured.rate
        rounds = f"best of {options.rounds}" if options.rounds > 1 else "once"
        print(f"\n{tokens} tokens, {first.n_layers} layers, first difference at {start}, {rounds}")
        print(f"  {'':<34}{'seconds':>9}{'of floor':>10}{'times ours':>12}{'max |diff|':>12}")
        at = f"floor: products at {measured.rate / 1e9:.0f} G/s"
        print(f"  {at:<34}{floor:>9.3f}{1:>10.1f}")
        for name, seconds in measured.seconds.items():
            # against ours on the same backend
            ours = measured.seconds["growing pass, " + backend_of(name)]
            print(
                f"  {name:<34}{seconds:>9.3f}{seconds / floor:>10.1f}{seconds / ours:>12.1f}"
                f"{measured.difference[name]:>12.1e}"
            )


@dataclass
class Measured:
    """What came of one length of prompt."""

    rate: float = 0.0
    """The best rate of the matrix product over the rounds."""
    seconds: dict[str, float] = field(default_factory=dict)
    """The shortest time of each way."""
    difference: dict[str, float] = field(default_factory=dict)
    """The largest difference of each map from the first."""


def measure(
    adapters: dict[str, ModelAdapter],
    rivals: Sequence[Callable[[TokenizedFact], Tensor]],
    fact: TokenizedFact,
    rounds: int,
) -> Measured:
    """Time every way in every round."""
    first = next(iter(adapters.values()))
    ways: dict[str, Callable[[], Any]] = {
        f"growing pass, {backend}": partial(causal_trace, adapter, fact.fact, controls=False)
        for backend, adapter in adapters.items()
    }
    ways |= {rival.name: partial(rival, fact) for rival in rivals}
    for adapter in adapters.values():
        causal_trace(adapter, fact.fact, layers=[0], controls=False)  # imports and first-call costs
    measured = Measured()
    reference: TraceResult | None = None
    for _ in range(rounds):
        measured.rate = max(measured.rate, matmul_rate(first, rows=50 * len(fact)))
        for name, way in ways.items():
            with torch.no_grad():
                seconds, found = timed(way)
            measured.seconds[name] = min(seconds, measured.seconds.get(name, float("inf")))
            if isinstance(found, TraceResult):
                reference = reference or found
                recovery = found.recovery
            else:
                assert reference is not None  # ours come first
                recovery = (found.double().numpy() - reference.corrupt_metric) / reference.gap
            measured.difference[name] = abs(recovery - reference.recovery).max()
    return measured


def backend_of(name: str) -> str:
    """The backend that a way is built on."""
    return "nnsight" if "nnsight" in name else "transformer_lens"


if __name__ == "__main__":
    main()
