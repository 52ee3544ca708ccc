"""Which tensors of two checkpoints differ, one tensor in memory at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from pytest_interp.adapters.layouts import ARCHITECTURES, Layout
from pytest_interp.models.changes import TensorChange, TensorChanges
from pytest_interp.models.configuration import read_config
from pytest_interp.models.shards import find_shards, opened
from pytest_interp.models.sources import Source


@dataclass(frozen=True)
class _Tensors:
    """The tensors of one checkpoint, read when they are asked for."""

    read: Mapping[str, Callable[[], torch.Tensor]]
    """By the name below the model: ``layers.5.mlp.down_proj.weight``."""
    config: Any
    layout: Layout | None

    def head_of(self, name: str, first: int, last: int, size: int) -> int | None:
        """The head to which a stretch of the attention's output projection belongs, if to one."""
        heads = getattr(self.config, "num_attention_heads", 0)
        if self.layout is None or not heads or size % heads:
            return None
        width = size // heads
        is_head = first % width == 0 and last - first + 1 == width
        return first // width if is_head and name.endswith(f".{self.layout.z}.weight") else None


def compare_tensors(first: Source, second: Source) -> TensorChanges:
    """Which tensors of the second checkpoint are not those of the first.

    Where one is stored in a narrower dtype, the other is rounded to it before they are compared.

    Raises:
        InterpError: the weights of one are not here, or cannot be read.
    """
    with _opened(first) as old, _opened(second) as new:
        names = list(dict.fromkeys([*old.read, *new.read]))
        found = [change for name in names if (change := _changed(name, old, new)) is not None]
    # what is there on one side alone comes first, then the largest moves
    found.sort(key=lambda change: -(float("inf") if change.moved is None else change.moved))
    return TensorChanges(len(names), tuple(found))


@contextmanager
def _opened(source: Source) -> Iterator[_Tensors]:
    source.check()  # nothing is fetched for a comparison
    folder = source.folder()
    if folder is None:  # built, or converted, by the package itself
        module, _ = source.load(torch.float32)
        yield _named({n: t.clone for n, t in module.state_dict().items()}, module.config)
        return
    with opened(find_shards(folder)) as slices:
        read = {name: _reader(part) for name, part in slices.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the config asks for: loading says it
            config: Any = read_config(folder)
        yield _named(read, config.get_text_config())


def _reader(part: Any) -> Callable[[], torch.Tensor]:
    return lambda: part[:] if part.get_shape() else part[...]


def _named(read: Mapping[str, Callable[[], torch.Tensor]], config: Any) -> _Tensors:
    """By names that older and newer checkpoints share, without what the model does not use."""
    kind = str(config.model_type)
    layout = ARCHITECTURES.find(kind) if kind in ARCHITECTURES else None
    kept = {}
    for name, tensor in read.items():
        if name == "lm_head.weight" and getattr(config, "tie_word_embeddings", False):
            continue  # some checkpoints hold it a second time
        if layout is None or layout.unexpected([name]):
            prefix = f"{layout.blocks.rpartition('.')[0]}." if layout else ""
            kept[name.removeprefix(prefix)] = tensor
    return _Tensors(kept, config, layout)


def _changed(name: str, old: _Tensors, new: _Tensors) -> TensorChange | None:
    shown = name.removesuffix(".weight")
    if name not in new.read or name not in old.read:
        return TensorChange(shown, "is gone" if name in old.read else "is new", None)
    before, after = old.read[name](), new.read[name]()
    if before.shape != after.shape:
        shapes = f"has the shape {list(after.shape)}, was {list(before.shape)}"
        return TensorChange(shown, shapes, None)
    if before.dtype != after.dtype:
        narrow = min(before.dtype, after.dtype, key=lambda kind: kind.itemsize)
        before, after = before.to(narrow), after.to(narrow)
    if torch.equal(before, after):
        return None
    before, after = before.float(), after.float()
    if not torch.isfinite(after).all():
        return TensorChange(shown, "holds numbers that are not finite", None)
    size, off = (float(torch.linalg.vector_norm(t)) for t in (before, after - before))
    moved = off / size if size else float("inf")
    if not after.any():
        return TensorChange(shown, "all zero", moved)
    part = _part(name, before, after, new)
    return TensorChange(shown, part or f"moved by {_percent(moved)} of its norm", moved)


def _part(name: str, before: torch.Tensor, after: torch.Tensor, model: _Tensors) -> str | None:
    """The rows or columns in which a matrix changed, where they are at most half of them."""
    if before.ndim != 2:
        return None
    is_changed = before != after
    for axis, noun in ((1, "row"), (0, "column")):
        hit = torch.nonzero(is_changed.any(axis)).flatten().tolist()
        size = before.shape[1 - axis]
        if len(hit) * 2 > size:
            continue
        kept = (after if axis else after.T)[hit]
        how = "moved" if kept.any() else "all zero"
        if hit[-1] - hit[0] + 1 != len(hit):
            return f"{len(hit)} of {size} {noun}s {how}"
        if len(hit) == 1:
            return f"{noun} {hit[0]} of {size} {how}"
        head = model.head_of(name, hit[0], hit[-1], size)
        which = "" if head is None else f" (head {head})"
        return f"{noun}s {hit[0]} to {hit[-1]} of {size}{which} {how}"
    return None


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
