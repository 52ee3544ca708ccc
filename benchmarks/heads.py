"""The [layer x head] map of z at all tokens of SmolLM2: one growing pass against the rest.

``python -m benchmarks.heads [--layers 30] [--rounds 1]`` prints a table. Every way takes its turn
with the same fact, in one process. Seconds are those of the processor. The others run one pass for
each head, whatever its layer: with fewer ``--layers`` they run those of so many layers, and their
time is scaled to all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import nnsight
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from transformer_lens import patching

from benchmarks.prompts import fact_of
from benchmarks.rivals import TransformerLensPatching, logit_diff, tokens_of
from pytest_interp import load_model, trace_heads
from pytest_interp.adapters import Weights, backend_names
from pytest_interp.facts.prompts import TokenizedFact


class TransformerLensHeads(TransformerLensPatching):
    """What ``get_act_patch_attn_head_out_all_pos`` runs, for the heads of some layers."""

    name = "TransformerLens, a pass per head"

    def patched(self, fact: TokenizedFact, heads: list[tuple[int, int]]) -> Tensor:
        """The metric with each of these heads patched."""
        clean, corrupt = tokens_of(fact)
        _, cache = self.bridge.run_with_cache(clean)
        found = patching.generic_activation_patch(
            self.bridge,
            corrupt,
            cache,
            lambda logits: logit_diff(logits, fact).squeeze(0),
            patching.layer_head_vector_patch_setter,
            "z",
            index_df=pd.DataFrame(heads, columns=["layer", "head"]),
        )
        return torch.as_tensor(found).flatten()


class NNsightHeads:
    """One nnsight trace per head."""

    name = "nnsight, a trace per head"

    def __init__(self, weights: Weights) -> None:
        self.model = nnsight.NNsight(weights.twin())
        self.width = int(weights.module.config.head_dim)

    def patched(self, fact: TokenizedFact, heads: list[tuple[int, int]]) -> Tensor:
        """The metric with each of these heads patched."""
        clean, corrupt = tokens_of(fact)
        kept: Any = []
        with self.model.trace(clean):
            for block in self.model.model.layers:
                kept.append(block.self_attn.o_proj.input.clone().save())
        return torch.stack([self._head(corrupt, n, head, kept[n], fact) for n, head in heads])

    def _head(self, corrupt: Tensor, layer: int, head: int, z: Tensor, fact: Any) -> Tensor:
        part = slice(head * self.width, (head + 1) * self.width)
        with self.model.trace(corrupt):
            new = self.model.model.layers[layer].self_attn.o_proj.input.clone()
            new[..., part] = z[..., part]
            self.model.model.layers[layer].self_attn.o_proj.input = new
            logits = self.model.output.logits.save()
        return logit_diff(logits, fact).squeeze(0)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor that a call takes, and what it gives."""
    start = time.process_time()
    with torch.no_grad():
        found = call()
    return time.process_time() - start, found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=30, help="layers that the others run")
    parser.add_argument("--rounds", type=int, default=1, help="times that each way is timed")
    options = parser.parse_args()
    where = {"device": "cpu", "dtype": "float32"}
    adapters = {b: load_model("smollm2-135m", b, **where) for b in backend_names()}
    first = next(iter(adapters.values()))
    fact = fact_of(5, first)
    n, n_heads = first.n_layers, first.n_heads
    layers = np.linspace(0, n - 1, options.layers).round().astype(int).tolist()
    heads = [(layer, head) for layer in layers for head in range(n_heads)]
    rivals = [kind(first.weights) for kind in (TransformerLensHeads, NNsightHeads)]
    for adapter in adapters.values():  # imports and first-call costs
        trace_heads(adapter, fact.fact, layers=[n - 1], controls=False)
    seconds: dict[str, float] = {}
    worst: dict[str, float] = {}
    reference: Any = None
    for _ in range(options.rounds):
        for backend, adapter in adapters.items():
            asked = {"position": "all", "controls": False}
            took, trace = timed(lambda a=adapter, asked=asked: trace_heads(a, fact.fact, **asked))
            name = f"growing pass, {backend}"
            reference = trace.patched[0] if reference is None else reference
            worst[name] = float(np.abs(trace.patched[0] - reference).max())
            seconds[name] = min(took, seconds.get(name, float("inf")))
        for rival in rivals:
            took, found = timed(lambda rival=rival: rival.patched(fact, heads))
            expected = np.array([reference[cell] for cell in heads])
            worst[rival.name] = float(np.abs(found.double().numpy() - expected).max())
            whole = took * n / len(layers)
            seconds[rival.name] = min(whole, seconds.get(rival.name, float("inf")))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32, {first.name}")
    print(f"\n{n} layers of {n_heads} heads, 5 tokens; others in {len(layers)} of the layers")
    print(f"  {'':<34}{'seconds':>9}{'times ours':>12}{'max |diff|':>12}")
    for name, took in seconds.items():
        ours = seconds[f"growing pass, {'nnsight' if 'nnsight' in name else 'transformer_lens'}"]
        print(f"  {name:<34}{took:>9.2f}{took / ours:>12.1f}{worst[name]:>12.1e}")


if __name__ == "__main__":
    main()
