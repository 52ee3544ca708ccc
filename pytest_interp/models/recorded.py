"""What every module of a model takes and gives in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass
class Recorded:
    """One module in one pass, in which it ran once."""

    begun: int
    """When it began: the number of modules that began or ended before."""
    taken: Tensor
    """The first tensor that entered."""
    given: Tensor
    """The first tensor that left."""
    more: tuple[Tensor, ...]
    """The other tensors that left."""
    order: int
    """When it ended, on the same count."""


class Record(dict[str, Recorded]):
    """The modules that ran exactly once, by their paths, in the order in which they ended."""

    def below(self, path: str) -> dict[str, Recorded]:
        """One module, as the empty path, and what is in it, by the paths below it."""
        inside = {p[len(path) + 1 :]: one for p, one in self.items() if p.startswith(f"{path}.")}
        return {"": self[path], **inside}

    def outside(self, path: str) -> Iterator[tuple[str, Recorded]]:
        """The modules that are not below a path."""
        return ((p, one) for p, one in self.items() if not p.startswith(f"{path}."))


def record(module: nn.Module, tokens: Tensor) -> Record:
    """Run the plain module once, with a hook before and behind each of its modules."""
    found = Record()
    started: dict[str, tuple[int, Tensor]] = {}
    runs: dict[str, int] = {}
    clock = iter(range(1 << 30))

    def before(path: str, args: Any, kwargs: Any) -> None:
        tensors = _tensors((*args, *kwargs.values()))
        if tensors:
            started[path] = next(clock), tensors[0].detach().clone()

    def behind(path: str, output: Any) -> None:
        tensors = [x.detach().clone() for x in _tensors(output)]
        runs[path] = runs.get(path, 0) + 1
        if tensors and path in started:
            found[path] = Recorded(*started[path], tensors[0], tuple(tensors[1:]), next(clock))

    with ExitStack() as stack, torch.no_grad():
        for path, part in module.named_modules():
            first = part.register_forward_pre_hook(
                lambda _, args, kwargs, p=path: before(p, args, kwargs), with_kwargs=True
            )
            last = part.register_forward_hook(lambda _, __, output, p=path: behind(p, output))
            stack.callback(first.remove)
            stack.callback(last.remove)
        module(tokens, use_cache=False)
    return Record({path: one for path, one in found.items() if runs[path] == 1})


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [x for x in value if isinstance(x, Tensor)] if isinstance(value, (tuple, list)) else []
