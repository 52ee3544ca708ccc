"""Experiments on labelled prompts, against plain PyTorch on the same weights.

``python -m benchmarks.labelled [--prompts 200] [--steered 2]`` measures two things on SmolLM2:

- the features of prompts of 110 tokens, at every layer, against batched forward passes that keep
  nothing;
- steering in five doses with twenty random directions, against one pass with a hook for each.

Every way takes its turn with a part of the prompts, until all parts are done. Times are those of
the processor, added over threads, so that other programs on the machine count little. Compare the
ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pytest_interp import Direction, PromptSet, load_model, load_prompts, steer
from pytest_interp.adapters import ModelAdapter, backend_names
from pytest_interp.experiments.features import capture_features
from pytest_interp.experiments.sweep import rows_in_budget

MODEL = "smollm2-135m"
TOKENS = 110
PARTS = 5
DOSES = (-2.0, -1.0, 1.0, 2.0, 4.0)
RANDOM = 20
LAYER = 16
NEUTRAL = ("Bread is made from flour, water, salt and",)


def prompts_of(adapter: ModelAdapter, n: int) -> PromptSet:
    """The shipped prompts, cut from the left to 110 tokens; over again with other ids."""
    told = load_prompts("told-or-not")
    made = []
    for i in range(n):
        one = told.prompts[i * len(told) // n if n < len(told) else i % len(told)]
        ids = adapter.encode(one.text)[0].tolist()[-TOKENS:]
        made.append(replace(one, id=f"{i}", text=adapter.tokenizer.decode(ids)))
    found = replace(told, prompts=tuple(made))
    if wrong := {adapter.encode(one.text).shape[1] for one in found} - {TOKENS}:
        raise SystemExit(f"prompts of {TOKENS} tokens have {sorted(wrong)}")
    return found


def parts_of(prompts: PromptSet, n: int) -> Iterator[PromptSet]:
    """Parts of equal size, each with both classes."""
    for k in range(n):
        yield replace(prompts, prompts=prompts.prompts[k::n])


def tokens_of(adapter: ModelAdapter, texts: Sequence[str]) -> Tensor:
    """Ids [row, pos] of texts of one length."""
    return torch.cat([adapter.encode(text) for text in texts])


def plain_passes(adapter: ModelAdapter, prompts: PromptSet, rows: int) -> None:
    """Forward passes that keep the last logits alone."""
    tokens = tokens_of(adapter, [one.text for one in prompts])
    for batch in tokens.split(rows):
        adapter.weights.module(batch, use_cache=False, logits_to_keep=1)


def hooked_passes(
    adapter: ModelAdapter, prompts: PromptSet, direction: Direction, only_last: bool
) -> tuple[np.ndarray, int]:
    """Log-odds [dose, prompt] of the direction itself, and the number of passes that ran."""
    module = adapter.weights.module
    batches = [tokens_of(adapter, [one.text for one in prompts]), tokens_of(adapter, NEUTRAL)]
    (abstain,) = (adapter.answer_id(answer) for answer in prompts.abstain)
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(RANDOM, len(direction.vector)))
    drawn *= direction.norm / np.linalg.norm(drawn, axis=1, keepdims=True)
    found, n = [], 0
    for way, vector in enumerate([direction.vector, *drawn]):
        for dose in (0.0, *DOSES) if way == 0 else DOSES:
            added = torch.tensor(dose * vector, dtype=torch.float32)

            def hook(_module, _args, out, added=added):
                changed = out.clone()
                changed[:, -1 if only_last else slice(None)] += added
                return changed

            with module.model.layers[LAYER].register_forward_hook(hook):
                logits = [
                    module(batch, use_cache=False, logits_to_keep=1).logits[:, -1]
                    for batch in batches
                ]
            n += len(logits)
            if way == 0:
                others = logits[0].clone()
                others[:, abstain] = -torch.inf
                found.append((logits[0][:, abstain] - others.amax(1)).numpy())
    order = np.argsort([0.0, *DOSES])
    return np.array(found)[order], n


def in_turns(
    prompts: PromptSet, parts: int, ways: dict[str, Callable[[PromptSet], object]]
) -> dict[str, float]:
    """Processor seconds of every way over all parts."""
    seconds = dict.fromkeys(ways, 0.0)
    for part in parts_of(prompts, parts):
        for name, way in ways.items():
            start = time.process_time()
            way(part)
            seconds[name] += time.process_time() - start
    return seconds


def features_table(adapters: dict[str, ModelAdapter], n: int) -> None:
    """Capture features of every layer, and run the same prompts without keeping anything."""
    first = next(iter(adapters.values()))
    prompts = prompts_of(first, n)
    rows = min(n // PARTS, rows_in_budget(first, TOKENS))
    ways: dict[str, Callable[[PromptSet], object]] = {
        f"plain passes of {size} prompts": lambda part, size=size: plain_passes(first, part, size)
        for size in sorted({8, rows})
    }
    for backend, adapter in adapters.items():
        ways[f"capture_features, {backend}"] = lambda part, a=adapter: capture_features(a, part)
    seconds = in_turns(prompts, PARTS, ways)
    best = min(time for name, time in seconds.items() if name.startswith("plain"))
    print(f"\nfeatures of {n} prompts of {TOKENS} tokens, {first.n_layers} layers")
    print(f"  {'':<36}{'seconds':>9}{'of plain':>10}")
    for name, time_of in seconds.items():
        print(f"  {name:<36}{time_of:>9.1f}{time_of / best:>10.2f}")


def steering_table(adapters: dict[str, ModelAdapter], n: int) -> None:
    """Steer at layer 16, and run one hooked pass for each dose of each direction."""
    first = next(iter(adapters.values()))
    prompts = prompts_of(first, n)
    vector = np.random.default_rng(1).normal(size=first.d_model)
    direction = Direction(vector=vector, layer=LAYER)
    print(f"\n{len(DOSES)} doses and {RANDOM} random directions at layer {LAYER}, {n} prompts")
    print(f"  {'':<44}{'seconds':>9}{'passes':>8}{'times ours':>12}{'max |diff|':>12}")
    for positions in ("last", "all"):
        start = time.process_time()
        expected, n_passes = hooked_passes(first, prompts, direction, positions == "last")
        loop = time.process_time() - start
        table = []
        for backend, adapter in adapters.items():
            with Passes(adapter) as passes:
                start = time.process_time()
                found = steer(
                    adapter,
                    prompts,
                    direction,
                    doses=DOSES,
                    random=RANDOM,
                    neutral=NEUTRAL,
                    positions=positions,
                )
                ours = time.process_time() - start
            off = np.abs(found.log_odds - expected).max()
            table.append((f"steer, {backend}, {positions}", ours, passes.n, 1.0, off))
        quickest = min(row[1] for row in table)
        table.append((f"a hooked pass each, {positions}", loop, n_passes, loop / quickest, 0.0))
        for name, seconds, count, times, off in table:
            print(f"  {name:<44}{seconds:>9.1f}{count:>8}{times:>12.1f}{off:>12.1e}")


class Passes:
    """Counts the passes that an adapter runs, those of shared beginnings among them."""

    def __init__(self, adapter: ModelAdapter) -> None:
        self.adapter, self.n = adapter, 0

    def __enter__(self) -> Passes:
        for name in ("run", "prefix"):
            setattr(self.adapter, name, self._counted(getattr(self.adapter, name)))
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("run", "prefix"):
            delattr(self.adapter, name)

    def _counted(self, method: Callable[..., object]) -> Callable[..., object]:
        def counted(*args, **asked):
            self.n += 1
            return method(*args, **asked)

        return counted


@torch.no_grad()
def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=200, help="prompts whose features are read")
    parser.add_argument("--steered", type=int, default=2, help="prompts that are steered")
    options = parser.parse_args()
    adapters = {b: load_model(MODEL, b, device="cpu", dtype="float32") for b in backend_names()}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32, {MODEL}")
    for adapter in adapters.values():
        capture_features(adapter, prompts_of(adapter, 2), layers=[0])  # first-call costs
    steering_table(adapters, options.steered)
    features_table(adapters, options.prompts)


if __name__ == "__main__":
    main()
