"""Paths and estimates in SmolLM2 against plain hooks: ``python -m benchmarks.paths``.

Two tables. Paths: 270 heads into the last MLP, and 135 into the values of a head half-way up,
beside plain torch hooks that run each path by itself with every output between held: one pass in
which the receiver is read, one in which it is exchanged. Estimates: every head by one gradient,
beside the same gradient by plain hooks, and beside one hooked pass for each head, which is exact.

Every way takes its turn with the same fact, in one process. Seconds are those of the processor.
``--heads`` of the heads, evenly spread, have passes of their own, whose time is scaled to all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.heads import timed
from benchmarks.prompts import fact_of
from benchmarks.rivals import logit_diff, tokens_of
from pytest_interp import attribution_patching, load_model, path_patching
from pytest_interp.adapters import Weights, backend_names
from pytest_interp.facts.prompts import TokenizedFact

Heads = list[tuple[int, int]]
Hook = Callable[[Tensor], Tensor | None]
"""Reads a tensor, and gives one to take its place or None."""


class Hooked:
    """Llama with plain hooks: what attention and MLPs give, and what they are computed from."""

    def __init__(self, weights: Weights, fact: TokenizedFact) -> None:
        self.module, self.fact = weights.twin(), fact
        self.width = int(self.module.config.head_dim)
        self.clean, self.corrupt = tokens_of(fact)
        self.n_layers = len(self.module.model.layers)

    def place(self, kind: str, layer: int) -> tuple[nn.Module, bool]:
        """The module of a kind of site, and whether its input is meant."""
        block = self.module.model.layers[layer]
        attention = block.self_attn
        return {
            "head": (attention.o_proj, True),
            "v": (attention.v_proj, False),
            "attn_out": (attention, False),
            "mlp_out": (block.mlp, False),
        }[kind]

    @contextmanager
    def hooks(self, places: Iterable[tuple[str, int, Hook]]) -> Iterator[None]:
        """Hooks at these places."""
        handles = []
        for kind, layer, do in places:
            module, reads_input = self.place(kind, layer)
            if reads_input:
                handles.append(module.register_forward_pre_hook(_of_input(do)))
            else:
                handles.append(module.register_forward_hook(_of_output(do)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def read(self, tokens: Tensor, places: Iterable[tuple[str, int]]) -> dict[Any, Tensor]:
        """The activations at these places."""
        found: dict[Any, Tensor] = {}
        with self.hooks([(*place, _keep(found, place)) for place in places]):
            self.value(tokens)
        return found

    def value(self, tokens: Tensor) -> Tensor:
        """The logit difference."""
        return logit_diff(self.module(tokens, use_cache=False).logits, self.fact).squeeze(0)

    def part(self, head: int, new: Tensor) -> Hook:
        """Exchange one head, or one key-value head."""
        of = slice(head * self.width, (head + 1) * self.width)

        def do(x: Tensor) -> Tensor:
            x = x.clone()
            x[..., of] = new[..., of]
            return x

        return do

    def paths(self, heads: Heads, kind: str, layer: int, unit: int | None) -> Tensor:
        """By how much each path moves the clean run; all outputs between are held."""
        layers = range(self.n_layers)
        outputs = [(k, n) for n in layers for k in ("attn_out", "mlp_out")]
        z = self.read(self.corrupt, [("head", n) for n in layers])
        base = self.read(self.clean, [*outputs, (kind, layer)])
        plain = self.value(self.clean)
        moved = []
        for n, head in heads:
            got: dict[Any, Tensor] = {}
            last = layer + (kind == "mlp_out")
            held = [("mlp_out", m) for m in range(n, layer)]
            held += [("attn_out", m) for m in range(n + 1, last)]
            places = [(*place, _put(base[place])) for place in held]
            places += [("head", n, self.part(head, z["head", n]))]
            with self.hooks([*places, (kind, layer, _keep(got, kind))]):
                self.value(self.clean)
            given = _put(got[kind]) if unit is None else self.part(unit, got[kind])
            with self.hooks([(kind, layer, given)]):
                moved.append(self.value(self.clean) - plain)
        return torch.stack(moved)

    def exact(self, heads: Heads) -> Tensor:
        """By how much each head of the clean run moves the corrupt one, in a pass of its own."""
        z = self.read(self.clean, [("head", n) for n in range(self.n_layers)])
        plain = self.value(self.corrupt)
        moved = []
        for n, head in heads:
            with self.hooks([("head", n, self.part(head, z["head", n]))]):
                moved.append(self.value(self.corrupt) - plain)
        return torch.stack(moved)

    @torch.enable_grad()  # type: ignore[untyped-decorator]
    def gradient(self) -> Tensor:
        """The same by one gradient [layer, head]."""
        places = [("head", n) for n in range(self.n_layers)]
        with torch.no_grad():
            source = self.read(self.clean, places)
        base = {}

        def reading(place: tuple[str, int]) -> Hook:
            def do(x: Tensor) -> Tensor:
                base[place] = x.detach().requires_grad_() if not base else x
                return base[place]

            return do

        with self.hooks([(*place, reading(place)) for place in places]):
            value = self.value(self.corrupt)
        slopes = torch.autograd.grad(value, [base[place] for place in places])
        both = zip(places, slopes, strict=True)
        products = [((source[at] - base[at]) * slope).detach() for at, slope in both]
        return torch.stack([one.unflatten(-1, (-1, self.width)).sum((0, 1, 3)) for one in products])


def _of_input(do: Hook) -> Any:
    def hook(_: nn.Module, args: tuple[Any, ...]) -> Any:
        new = do(args[0])
        return None if new is None else (new, *args[1:])

    return hook


def _of_output(do: Hook) -> Any:
    def hook(_: nn.Module, __: Any, output: Any) -> Any:
        if not isinstance(output, tuple):
            return do(output)
        new = do(output[0])
        return None if new is None else (new, *output[1:])

    return hook


def _keep(found: dict[Any, Tensor], name: Any) -> Hook:
    return lambda x: found.__setitem__(name, x.clone())


def _put(new: Tensor) -> Hook:
    return lambda _: new


class Table:
    """Rows of one table: the quickest of some rounds."""

    def __init__(self, title: str) -> None:
        self.title, self.rows = title, {}  # type: str, dict[str, tuple[float, float | None]]

    def add(self, name: str, seconds: float, apart: float | None) -> None:
        """One time, and the largest difference to the plain way."""
        before = self.rows.get(name, (float("inf"), None))[0]
        self.rows[name] = min(seconds, before), apart

    def __str__(self) -> str:
        least = min(seconds for seconds, _ in self.rows.values())
        lines = [f"{self.title}\n{'':<36}{'seconds':>9}{'of least':>10}{'max |diff|':>12}"]
        for name, (seconds, apart) in self.rows.items():
            said = "" if apart is None else f"{apart:.1e}"
            lines.append(f"  {name:<34}{seconds:>9.2f}{seconds / least:>10.1f}{said:>12}")
        return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", type=int, default=18, help="heads that the others run")
    parser.add_argument("--rounds", type=int, default=1, help="times that each way is timed")
    options = parser.parse_args()
    where = {"device": "cpu", "dtype": "float32"}
    adapters = {b: load_model("smollm2-135m", b, **where) for b in backend_names()}
    first = next(iter(adapters.values()))
    fact = fact_of(5, first)
    hooked = Hooked(first.weights, fact)
    for adapter in adapters.values():  # imports and first-call costs
        path_patching(adapter, fact.fact, "head.28.0", "mlp_out.29")
        attribution_patching(adapter, fact.fact, sites="head", layers=[29])
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32, {first.name}")
    for kind, layer, unit in (("mlp_out", first.n_layers - 1, None), ("v", 15, 0)):
        to = f"{kind}.{layer}" if unit is None else f"{kind}.{layer}.{unit}"
        before = layer + (kind == "mlp_out")
        heads = [(n, head) for n in range(before) for head in range(first.n_heads)]
        table = Table(f"\n{len(heads)} heads into {to}, 5 tokens; others {options.heads} of them")
        at = np.linspace(0, len(heads) - 1, options.heads).round().astype(int).tolist()
        senders = [f"head.{n}.{head}" for n, head in heads]
        for _ in range(options.rounds):
            some = [heads[i] for i in at]
            took, wanted = timed(lambda s=some, p=(kind, layer, unit): hooked.paths(s, *p))
            for backend, adapter in adapters.items():
                seconds, found = timed(
                    lambda a=adapter, s=senders, r=to: path_patching(a, fact.fact, s, r)
                )
                apart = np.abs(found.change[0, 0, at] - wanted.double().numpy()).max()
                table.add(f"path_patching, {backend}", seconds, float(apart))
            table.add("two hooked passes for each head", took * len(heads) / len(at), None)
        print(table)
    n_heads = first.n_layers * first.n_heads
    table = Table(f"\nestimates of {n_heads} heads, 5 tokens; others {options.heads} of them")
    places = [divmod(i, first.n_heads) for i in np.linspace(0, n_heads - 1, options.heads).round()]
    for _ in range(options.rounds):
        took, slopes = timed(hooked.gradient)
        for backend, adapter in adapters.items():
            seconds, found = timed(
                lambda a=adapter: attribution_patching(a, fact.fact, sites="head")
            )
            apart = np.abs(found.change["head"][0] - slopes.double().numpy()).max()
            table.add(f"attribution_patching, {backend}", seconds, float(apart))
        table.add("plain hooks and one backward pass", took, None)
        pairs = [(int(n), int(head)) for n, head in places]
        took, _ = timed(lambda p=pairs: hooked.exact(p))
        table.add("a hooked pass for each head, exact", took * n_heads / len(places), None)
    print(table)


if __name__ == "__main__":
    main()
