"""What half precision does to the numbers, on the CPU: ``python -m benchmarks.precision``.

Two questions for each model and dtype. How far are activations, logits and maps from those in
float32 (rounding), and how far are two ways to the same number in one dtype from each other (two
backends; a row by itself and in a batch; the prompt whole and behind a prefix)? The second is what
:mod:`pytest_interp.precision` allows for. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pytest_interp import FactPrompt, causal_trace, load_model, logit_lens
from pytest_interp.adapters import ModelAdapter, Weights, backend_names, open_adapter, site_kinds
from pytest_interp.claims import check_fact_localized
from pytest_interp.models.arithmetic import distance
from pytest_interp.models.registry import find_model
from pytest_interp.planted import planted_model
from pytest_interp.stats import kl_divergence
from tests.tiny import ARCHITECTURES, tiny_module, tiny_tokenizer

FRANCE = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
WORDS = FactPrompt(
    clean_prompt="w7 w3 w11 w5 w9",
    corrupt_prompt="w7 w3 w12 w5 w9",
    answer=" w20",
    counterfactual_answer=" w30",
    subject="w11",
)
DTYPES = ("float32", "bfloat16", "float16")
MODELS = (
    *(f"tiny-{name}" for name in ARCHITECTURES),
    "planted-gpt2",
    "planted-llama",
    "planted-qwen3",
    "smollm2-135m",
)


@dataclass(frozen=True)
class Seen:
    """What was computed one way."""

    activations: dict[str, Tensor]
    logits: Tensor
    effects: np.ndarray
    probabilities: np.ndarray
    claim: str


def seen(adapter: ModelAdapter, fact: FactPrompt, layers: tuple[int, int]) -> Seen:
    """Every site, the logits, a map, a lens and a claim."""
    tokens = adapter.encode(fact.clean_prompt)
    kinds = [kind for kind in site_kinds() if adapter.layout.has(kind)]
    sites = [site for kind in kinds for site in adapter.sites(kind)]
    run = adapter.run(tokens, sites, logits="all")
    trace = causal_trace(adapter, fact)
    lens = logit_lens(adapter, fact.clean_prompt, fact.answer)
    verdict = check_fact_localized(trace, "resid_post@subject", layers)
    return Seen(
        {str(site): run[site] for site in sites},
        run.logits,
        np.asarray(trace.effect),
        np.asarray(lens.answer_prob),
        verdict.status.value,
    )


@dataclass(frozen=True)
class Apart:
    """How far two ways are from each other, at worst."""

    sites: float
    """As a share of the largest entry of an activation."""
    logits: float
    """As a share of the largest logit."""
    kl: float
    """Nats, at any token."""
    map: float
    """In units of the effect: 1 is the whole difference between the two prompts."""
    lens: float
    """Probability."""

    @classmethod
    def of(cls, one: Seen, other: Seen) -> Apart:
        """Compare all that was seen."""
        a, b = (x.logits[0].double().numpy() for x in (one, other))
        return cls(
            max(
                distance(one.activations[site], other.activations[site]) for site in one.activations
            ),
            distance(one.logits, other.logits),
            float(kl_divergence(a, b).max()),
            float(np.nanmax(np.abs(one.effects - other.effects))),
            float(np.abs(one.probabilities - other.probabilities).max()),
        )


def rows_and_prefix(adapter: ModelAdapter, fact: FactPrompt) -> float:
    """How far the logits of a row are from those in a batch of eight, and behind a prefix."""
    tokens = adapter.encode(fact.clean_prompt)
    alone = adapter.run(tokens, logits="all").logits
    among = adapter.run(tokens.repeat(8, 1), logits="all").logits[:1]
    half = tokens.shape[1] // 2
    behind = adapter.run(tokens[:, half:], prefix=adapter.prefix(tokens[:, :half]), logits="all")
    return max(distance(among, alone), distance(behind.logits, alone[:, half:]))


def opened(name: str, dtype: str) -> ModelAdapter:
    """A tiny random model, or one that has a name, under the first backend."""
    if name.startswith("tiny-"):
        module = tiny_module(name.removeprefix("tiny-")).to(getattr(torch, dtype))
        return open_adapter(Weights(name, module, tiny_tokenizer(), "random"), backend_names()[0])
    return load_model(name, backend_names()[0], "cpu", dtype)


def fact_of(name: str) -> tuple[FactPrompt, tuple[int, int]]:
    """A fact that the model is asked for, and the layers in which its subject is claimed."""
    if name.startswith("tiny-"):
        return WORDS, (0, 3)
    if name.startswith("planted-"):
        return planted_model(name.removeprefix("planted-")).facts[0], (0, 3)
    find_model(name).source.check()
    return FRANCE, (0, 22)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    torch.set_grad_enabled(False)
    print("| model | dtype | from | sites | logits | KL | map | lens | rows | claim |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in parser.parse_args().models or MODELS:
        fact, layers = fact_of(name)
        reference: Seen | None = None
        for dtype in DTYPES:
            first = opened(name, dtype)
            other = open_adapter(first.weights, backend_names()[1])
            one, two = (seen(adapter, fact, layers) for adapter in (first, other))
            reference = reference or one
            rows = rows_and_prefix(first, fact)
            for what, apart in (
                ("float32", Apart.of(one, reference)),
                ("the other backend", Apart.of(one, two)),
            ):
                numbers = (apart.sites, apart.logits, apart.kl, apart.map, apart.lens, rows)
                shown = " | ".join(f"{number:.1e}" for number in numbers)
                print(f"| {name} | {dtype} | {what} | {shown} | {one.claim} |", flush=True)


if __name__ == "__main__":
    main()
