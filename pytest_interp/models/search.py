"""The parts of a layout, found in what the modules of a model take and give in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.patterns import takes_a_place
from pytest_interp.adapters.places import ModulePlace
from pytest_interp.adapters.sizes import Sizes
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import NotAModelError
from pytest_interp.models.properties import distance
from pytest_interp.models.recorded import Recorded, record
from pytest_interp.precision import precision_of


class Search:
    """One pass of a plain module, and the parts of a layout that are found in it."""

    def __init__(self, weights: Weights, tokens: Tensor) -> None:
        self._weights = weights
        self._sizes = Sizes.of(weights.module.config.get_text_config())
        self._limit = precision_of(weights.dtype).activations
        self._all = record(weights.module, tokens)
        self._list = self._find_blocks()
        self._blocks = [self._all.below(f"{self._list}.{n}") for n in range(self._sizes.n_layers)]
        self._before = [block[""].taken for block in self._blocks]
        self._after = [block[""].given for block in self._blocks]
        self._paths = [p for p in self._blocks[0] if p and all(p in b for b in self._blocks)]

    def found(self) -> tuple[Layout, tuple[str, ...]]:
        """The layout, and what is left out of it, each with the reason."""
        attention = self._find_attention()
        attn_out, mlp_out, scale = self._find_branches(attention)
        middle = [
            before + scale * block[attn_out].given
            for before, block in zip(self._before, self._blocks, strict=True)
        ]
        resid_mid = self._first(lambda p, n: self._same(self._blocks[n][p].taken, middle[n]))
        z = self._projection(lambda p: p.startswith(f"{attention}."), self._heads_wide)
        if z is None:
            raise self._lost("the output projection of attention: a module that takes heads")
        neurons = self._projection(lambda p: not p.startswith(attention), lambda _: True)
        pattern = self._find_pattern(attention, z)
        embed, embed_scale = self._find_embedding()
        q, k, v = self._find_inputs(attention, z)
        kind = self._weights.architecture
        layout = Layout(
            name=kind,
            model_types=(kind,),
            embed=embed,
            blocks=self._list,
            attention=attention,
            z=z,
            attn_out=attn_out,
            resid_mid=resid_mid,
            mlp_out=mlp_out,
            final_norm=self._find_final_norm(),
            q=q,
            k=k,
            v=v,
            pattern=pattern,
            neurons=neurons,
            embed_scale=embed_scale,
            branch_scale=scale,
        )
        unknown = []
        if neurons is None:
            unknown.append("neurons: no single projection gives what the MLP adds")
        if pattern is None and not self._takes_a_place(attention):
            unknown.append("pattern: no module of attention gives it before it weighs the values")
        if v is None:
            unknown.append("q, k, v: no module, or part of one, gives the values of pattern @ v")
        return layout, tuple(unknown)

    def _find_blocks(self) -> str:
        module, count = self._weights.module, self._sizes.n_layers
        lists = {
            path: sum(p.numel() for p in part.parameters())
            for path, part in module.named_modules()
            if isinstance(part, torch.nn.ModuleList)
            and len(part) == count
            and all(f"{path}.{n}" in self._all for n in range(count))
        }
        if not lists:
            raise self._lost(f"the blocks: a list of {count} modules that all run")
        largest: str = max(lists, key=lambda path: lists[path])
        return largest

    def _find_attention(self) -> str:
        size = (1, self._sizes.n_heads)
        found = self._first(
            lambda p, n: any(
                x.ndim == 4 and x.shape[:2] == size and x.shape[2] == x.shape[3]
                for x in self._blocks[n][p].more
            )
        )
        if found is None:
            raise self._lost("attention: a module of every block that gives a pattern")
        return found

    def _find_branches(self, attention: str) -> tuple[str, str, float]:
        wide = self._after[0].shape
        adding = [p for p in self._paths if all(b[p].given.shape == wide for b in self._blocks)]
        pairs = sorted(
            itertools.permutations(adding, 2),
            key=lambda pair: (pair[0] != attention, *map(self._rank, pair)),
        )
        for scale in (1.0, None):
            for one, other in pairs:
                # attention comes first, also where the two run side by side
                if self._blocks[0][one].order > self._blocks[0][other].order:
                    continue
                if (found := self._adds_up(one, other, scale)) is not None:
                    return one, other, found
        raise self._lost(
            "attn_out and mlp_out: no two modules of a block give, times one number, what the "
            "block adds to the stream"
        )

    def _adds_up(self, one: str, other: str, scale: float | None) -> float | None:
        for before, after, block in zip(self._before, self._after, self._blocks, strict=True):
            added, given = after - before, block[one].given + block[other].given
            if scale is None:
                scale = _factor(given, added)
            if not self._same(before + scale * given, after):
                return None
        return scale

    def _find_embedding(self) -> tuple[str, float]:
        first, start = self._before[0], self._blocks[0][""].begun
        early = [
            (path, part.given)
            for path, part in self._all.outside(self._list)
            if part.order < start and part.given.shape == first.shape
        ]
        for path, given in reversed(early):
            if self._same(given, first):
                return path, 1.0
        for path, given in reversed(early):
            if self._same((scale := _factor(given, first)) * given, first):
                return path, scale
        raise self._lost(
            "embed: a module that gives, times one number, what enters the first block"
        )

    def _find_final_norm(self) -> str:
        end = self._blocks[-1][""].order
        for path, part in sorted(self._all.outside(self._list), key=lambda one: one[1].order):
            if part.begun > end and self._same(part.taken, self._after[-1]):
                return path
        raise self._lost("final_norm: a module that takes what leaves the last block")

    def _find_pattern(self, attention: str, z: str) -> ModulePlace | None:
        """The last module through which the model sends it, where no place can be made."""
        if self._takes_a_place(attention):
            return None
        found = [
            p
            for p in self._paths
            if p.startswith(f"{attention}.")
            and self._order(p) < self._order(z)
            and all(self._same(b[p].given, self._pattern(attention, b)) for b in self._blocks)
        ]
        last = max(found, key=self._order, default=None)
        return None if last is None else ModulePlace(last, "output")

    def _takes_a_place(self, attention: str) -> bool:
        return takes_a_place(self._weights.module, self._list, attention)

    def _pattern(self, attention: str, block: dict[str, Recorded]) -> Tensor:
        heads = self._sizes.n_heads
        return next(x for x in block[attention].more if x.ndim == 4 and x.shape[1] == heads)

    def _find_inputs(self, attention: str, z: str) -> tuple[ModulePlace | None, ...]:
        inside = [
            p
            for p in self._matrices()
            if p.startswith(f"{attention}.")
            and p != z
            and self._blocks[0][p].order < self._order(z)
        ]
        for places in self._candidates(inside):
            if all(self._weighs(attention, z, places[2], n) for n in range(len(self._blocks))):
                return places
        return None, None, None

    def _candidates(self, inside: list[str]) -> Iterable[tuple[ModulePlace, ...]]:
        heads, shared = self._sizes.n_heads, self._sizes.n_kv_heads
        width = self._sizes.d_head
        for path in inside:  # one module for all three
            if self._blocks[0][path].given.shape[-1] == (heads + 2 * shared) * width:
                sizes = (heads, shared, shared)
                total, starts = sum(sizes), (0, heads, heads + shared)
                if heads == shared:
                    thirds = [ModulePlace(path, "output", part=(n, 3)) for n in range(3)]
                    yield tuple(thirds)
                    yield tuple(
                        ModulePlace(path, "output", part=(n, 3), in_each_head=True)
                        for n in range(3)
                    )
                else:
                    yield tuple(
                        ModulePlace(path, "output", part=(start, total), n_parts=size)
                        for start, size in zip(starts, sizes, strict=True)
                    )
        fitting = [
            p
            for p in inside
            if self._blocks[0][p].given.shape[-1] in (heads * width, shared * width)
        ]
        # queries come first in most models, then keys: the check proves it
        for three in itertools.permutations(sorted(fitting, key=self._order), 3):
            if self._blocks[0][three[0]].given.shape[-1] == heads * width:
                yield tuple(ModulePlace(path, "output") for path in three)

    def _weighs(self, attention: str, z: str, v: ModulePlace, n: int) -> bool:
        block, heads = self._blocks[n], self._sizes.n_heads
        pattern = self._pattern(attention, block)
        try:
            values = v.read(block[v.path].given, self._sizes.n_kv_heads)
            values = values.repeat_interleave(heads // values.shape[2], dim=2)
            made = torch.einsum("bhqk,bkhd->bqhd", pattern, values).flatten(-2)
        except (RuntimeError, ZeroDivisionError):
            return False  # of other sizes
        return self._same(made, block[z].taken)

    def _matrices(self) -> list[str]:
        """Paths in a block of modules that multiply by one matrix."""
        block = self._weights.module.get_submodule(f"{self._list}.0")
        weights = ((p, getattr(block.get_submodule(p), "weight", None)) for p in self._paths)
        return [p for p, w in weights if isinstance(w, Tensor) and w.ndim == 2]

    def _projection(
        self, within: Callable[[str], bool], fits: Callable[[Recorded], bool]
    ) -> str | None:
        """The last matrix there that gives as many numbers as the stream has."""
        found = [
            p
            for p in self._matrices()
            if within(p)
            and self._blocks[0][p].given.shape == self._after[0].shape
            and fits(self._blocks[0][p])
        ]
        return max(found, key=self._order, default=None)

    def _heads_wide(self, one: Recorded) -> bool:
        return one.taken.shape[-1] % self._sizes.n_heads == 0

    def _first(self, fits: Callable[[str, int], bool]) -> str | None:
        ranked = sorted(self._paths, key=self._rank)
        layers = range(len(self._blocks))
        return next((p for p in ranked if all(fits(p, n) for n in layers)), None)

    def _rank(self, path: str) -> tuple[int, int]:
        return path.count("."), self._order(path)

    def _order(self, path: str) -> int:
        return self._blocks[0][path].order

    def _same(self, one: Tensor, other: Tensor) -> bool:
        return distance(one, other) <= self._limit

    def _lost(self, what: str) -> NotAModelError:
        return NotAModelError(
            f"no layout can be drafted for {self._weights.name} ({self._weights.architecture}). "
            f"What was not found is {what}. Describe it by hand: "
            "pytest_interp.adapters.register_layout(Layout(...))"
        )


def _factor(given: Tensor, wanted: Tensor) -> float:
    """The number that makes one of the other, as nearly as can be."""
    x, y = given.double().flatten(), wanted.double().flatten()
    return round(float((x @ y) / (x @ x).clamp_min(1e-30)), 6)
