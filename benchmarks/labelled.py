"""Experiments on labelled prompts, against plain PyTorch on the same weights.

``python -m benchmarks.labelled [--prompts 200] [--steered 2]`` measures two things on SmolLM2:

- the features of prompts of 110 tokens, at every layer, against batched forward passes that keep
  nothing;
- steering in five doses with twenty random directions, against one pass with a hook for each.

Every way takes its turn with the same prompts. Times are those of the processor, added over
threads, so that other programs on the machine count little. Compare the ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pytest_interp import Direction, PromptSet, load_model, load_prompts, steer
from pytest_interp.adapters import ModelAdapter, backend_names
from pytest_interp.experiments.features import capture_features
from pytest_interp.options.steering import SteerOptions, Where

MODEL = "smollm2-135m"
PART = 40
"""Prompts with which every way takes its turn."""
DOSES = (-2.0, -1.0, 1.0, 2.0, 4.0)
RANDOM = 20
LAYER = 16
NEUTRAL = ("Bread is made from flour, water, salt and",)


def prompts_of(adapter: ModelAdapter, n: int, tokens: int) -> PromptSet:
    """Shipped prompts of both classes in turn, cut from the left to this many tokens.

    Where more are asked for than there are, a number before the first token tells them apart.
    """
    told = load_prompts("told-or-not")
    classes = [told.of(label).prompts for label in told.classes]
    made = []
    for i in range(n):
        of_class = classes[i % 2]
        one = of_class[i // 2 % len(of_class)]
        number, ids = adapter.encode(f"{i}")[0].tolist(), adapter.encode(one.text)[0].tolist()
        text = adapter.tokenizer.decode(number + ids[len(number) - tokens :])
        made.append(replace(one, id=f"{i}", text=text))
    found = replace(told, prompts=tuple(made))
    if wrong := {adapter.encode(one.text).shape[1] for one in found} - {tokens}:
        raise SystemExit(f"prompts of {tokens} tokens have {sorted(wrong)}")
    return found


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of a call, and what it gave."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


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


def features_table(adapters: dict[str, ModelAdapter], n: int, tokens: int) -> None:
    """Capture features of every layer, and run the same prompts without keeping anything."""
    first = next(iter(adapters.values()))
    prompts = prompts_of(first, n, tokens)
    ways: dict[str, Callable[[PromptSet], object]] = {
        f"plain passes of {size} prompts": partial(plain_passes, first, rows=size)
        for size in (16, PART)
    }
    for backend, adapter in adapters.items():
        ways[f"capture_features, {backend}"] = partial(capture_features, adapter)
    seconds = dict.fromkeys(ways, 0.0)
    for done in range(0, n, PART):
        part = prompts.pick(range(done, min(done + PART, n)))
        for name, way in ways.items():
            seconds[name] += timed(partial(way, part))[0]
        best = min(time for name, time in seconds.items() if name.startswith("plain"))
        print(f"\nfeatures of {done + len(part)} prompts of {tokens} tokens, at every layer")
        print(f"  {'':<36}{'seconds':>9}{'of plain':>10}")
        for name, time_of in seconds.items():
            print(f"  {name:<36}{time_of:>9.1f}{time_of / best:>10.2f}", flush=True)


def steering_table(
    adapters: dict[str, ModelAdapter], n: int, tokens: int, places: Sequence[Where]
) -> None:
    """Steer at layer 16, and run one hooked pass for each dose of each direction."""
    first = next(iter(adapters.values()))
    prompts = prompts_of(first, n, tokens)
    vector = np.random.default_rng(1).normal(size=first.d_model)
    direction = Direction(vector=vector, layer=LAYER)
    print(f"\n{len(DOSES)} doses of 1 + {RANDOM} directions, layer {LAYER}")
    said = f"{n} prompts of {tokens} tokens"
    print(f"  {said:<36}{'seconds':>9}{'passes':>8}{'times ours':>12}{'max |diff|':>12}")
    for positions in places:
        options = SteerOptions(doses=DOSES, random=RANDOM, neutral=NEUTRAL, positions=positions)
        ours, found = {}, {}
        for backend, adapter in adapters.items():
            with Passes(adapter) as passes:
                ours[backend], found[backend] = timed(
                    partial(steer, adapter, prompts, direction, options)
                )
            print(f"  {f'steer, {positions}, {backend}':<36}{ours[backend]:>9.1f}{passes.n:>8}")
        loop, (odds, n_passes) = timed(
            partial(hooked_passes, first, prompts, direction, positions == "last")
        )
        times = loop / max(ours.values())
        off = max(np.abs(one.log_odds - odds).max() for one in found.values())
        name = f"hooked passes, {positions}"
        print(f"  {name:<36}{loop:>9.1f}{n_passes:>8}{times:>12.1f}{off:>12.1e}", flush=True)


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
    parser.add_argument(
        "--prompts", type=int, default=200, help="whose features are read; may be 0"
    )
    parser.add_argument("--steered", type=int, default=2, help="prompts that are steered")
    parser.add_argument("--tokens", type=int, default=110, help="of each prompt")
    parser.add_argument("--positions", nargs="*", default=["last", "all"])
    options = parser.parse_args()
    adapters = {b: load_model(MODEL, b, device="cpu", dtype="float32") for b in backend_names()}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32, {MODEL}")
    for adapter in adapters.values():
        capture_features(
            adapter, prompts_of(adapter, 2, options.tokens), layers=[0]
        )  # first-call costs
    if options.positions:
        steering_table(adapters, options.steered, options.tokens, options.positions)
    if options.prompts:
        features_table(adapters, options.prompts, options.tokens)


if __name__ == "__main__":
    main()
