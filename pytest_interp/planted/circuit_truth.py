"""What is true of a planted circuit, derived from its mechanism by interchange. No torch here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from pytest_interp.adapters.components import Component, components_of
from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.planted.features import Array
from pytest_interp.planted.flow import EMBED, Flow, Machine, Values
from pytest_interp.planted.mechanism import Mover

Ablation = Literal["zero", "mean", "resample"]
Direction = Literal["denoise", "noise"]
OUTPUT = "output"
"""The receiver that is the final norm and the unembedding."""
Components = Component | str | Iterable[Component | str]


@dataclass(frozen=True)
class CircuitTruth:
    """What is true of one pair of prompts.

    The metric is the logit difference answer minus counterfactual answer at the last token, in
    natural units. Every number comes from the description, in which parts are exchanged between
    runs, set to zero, or to a mean; none from running the network. A number is NaN where the
    mechanism does not decide it: where several keys are equally good, and what they hold differs.

    Effects are shares: 0 for a part that does nothing, 1 for one that makes the whole difference
    between the two prompts. ``denoise`` patches clean activations into the corrupt run, ``noise``
    corrupt ones into the clean run.
    """

    machine: Machine
    clean: tuple[str, ...]
    corrupt: tuple[str, ...]
    answer: str
    counterfactual_answer: str
    reference: tuple[tuple[str, ...], ...]
    """Prompts over which means are taken where no others are given, position by position."""
    tolerance: float
    """How far a measured metric may be from the stated one, in logits. Attention is within 0.01."""

    @property
    def value(self) -> float:
        """The metric of the clean prompt."""
        return self._metric(self._flows[0].scores)

    @property
    def corrupt_value(self) -> float:
        """The metric of the corrupt prompt."""
        return self._metric(self._flows[1].scores)

    def direct_effect(self, component: Component | str) -> float:
        """What a part adds to the metric by itself, through the final norm as it is.

        Logits, of the clean prompt. The parts of all components sum to :attr:`value`.

        Raises:
            ExperimentError: no such component.
        """
        flow = self._flows[0]
        last = self._final(flow)
        written = sum((flow.parts[c][-1] for c in self._working(component)), np.zeros_like(last))
        return self._metric(self.machine.read(written, norm_of=last))

    def ablated(
        self, components: Components, kind: Ablation, reference: Sequence[str] = ()
    ) -> float:
        """The metric of the clean prompt without some parts, at every position.

        Args:
            components: heads and MLPs.
            kind: ``zero``; ``mean``: over the reference, position by position; ``resample``: what
                they are on the first prompt of the reference.
            reference: prompts of the same length; by default those of the truth.

        Raises:
            ExperimentError: no such component.
            UnknownNameError: no such kind.
        """
        return self._metric(self._ablated(components, kind, reference).scores)

    def ablation_effect(
        self, components: Components, kind: Ablation, reference: Sequence[str] = ()
    ) -> float:
        """By how much the metric falls without some parts, in logits: see :meth:`ablated`."""
        return self.value - self.ablated(components, kind, reference)

    def kept(self, keep: Components, kind: Ablation, reference: Sequence[str] = ()) -> float:
        """The metric of the clean prompt with all heads and MLPs but ``keep`` ablated."""
        kept = set(self._working(keep))
        every = [c for c in self._flows[0].parts if c.kind in ("head", "mlp_out")]
        rest = [c for c in every if c not in kept]
        return self.ablated(rest, kind, reference)

    def faithfulness(
        self, keep: Components, kind: Ablation, reference: Sequence[str] = ()
    ) -> float:
        """(m(keep) - m(none)) / (m(model) - m(none)): see :meth:`kept`."""
        nothing = self.kept((), kind, reference)
        return (self.kept(keep, kind, reference) - nothing) / (self.value - nothing)

    def head_effect(
        self,
        layer: int,
        head: int,
        site: str = "head",
        position: int | None = -1,
        direction: Direction = "denoise",
    ) -> float:
        """Effect of patching one head: what it gives (``head``), or its ``q``, ``k`` or ``v``.

        Args:
            layer: its layer.
            head: its index; of a key-value head for ``k`` and ``v``.
            site: ``head``, ``q``, ``k`` or ``v``.
            position: where it is patched; None: everywhere.
            direction: which run is patched.

        Raises:
            UnknownNameError: no such site or direction.
            ExperimentError: no such head.
        """
        sites = ("head", "q", "k", "v")
        if site not in sites:
            raise UnknownNameError.of("site of a head", site, sites)
        component = Component(site, layer, head)
        self._check(component)
        (words, _), source = self._ends(direction)
        if component not in source.parts:
            return 0.0
        values = source.parts[component]
        at = range(len(words)) if position is None else [position % len(words)]
        flow = self.machine.run(words, {component: {p: values[p] for p in at}})
        return self._share(flow.scores, direction)

    def path_effect(
        self, sender: Component | str, receiver: str, direction: Direction = "noise"
    ) -> float:
        """Effect of a part on one input of another, all else held.

        The receiver reads the stream in which the sender alone is exchanged. What comes after the
        receiver follows (Goldowsky-Dill et al. 2023, arXiv:2304.05969).

        Args:
            sender: a head, an MLP or the embedding.
            receiver: ``q.L.H``, ``k.L.G``, ``v.L.G``, ``mlp_out.L``, or ``output``.
            direction: which run is patched.

        Raises:
            ExperimentError: no such component, or a receiver that does not come after the sender.
        """
        (words, base), source = self._ends(direction)
        changed = {c: source.parts[c] - base.parts[c] for c in self._working(sender)}
        if receiver == OUTPUT:
            last = self._final(base) + sum(delta[-1] for delta in changed.values())
            return self._share(self.machine.read(last), direction)
        kind, *numbers = receiver.split(".")
        to, start = Component(kind, *map(int, numbers)), Component.of(sender)
        self._check(to)
        if self._order(start) >= self._order(to):
            raise ExperimentError(f"{receiver} does not come after {sender}: it cannot read it")
        assert to.layer is not None
        stream = self.machine.stream(base, to.layer, after_heads=to.kind == "mlp_out")
        stream = stream + sum(changed.values())
        new: Array | None
        if to.kind == "mlp_out":
            new = self.machine.written(to.layer, stream)
        else:
            inputs = [self.machine.inputs(m, stream) for m in self._movers(to.layer)]
            new = next((found[to] for found in inputs if to in found), None)
        if new is None or not changed:
            return 0.0
        return self._share(self.machine.run(words, {to: dict(enumerate(new))}).scores, direction)

    def pattern(self, head: Component | str, words: Sequence[str] | None = None) -> Array:
        """Attention ``[query, key]`` of a working head, on the clean prompt or on other words.

        NaN in rows that the mechanism does not decide.

        Raises:
            ExperimentError: no head of the mechanism.
        """
        flow = self._flows[0] if words is None else self.machine.run(words)
        component = Component.of(head)
        if component not in flow.patterns:
            raise ExperimentError(f"{component} is no head of the mechanism: it looks at random")
        return flow.patterns[component]

    def attention(self, head: Component | str, from_: int, to: int) -> float:
        """How much of its attention a working head gives from one position to another."""
        return float(self.pattern(head)[from_, to])

    def score(self, head: Component | str, words: Sequence[str], back: int) -> float:
        """Mean attention to the token ``back`` before, over all tokens that have one.

        On a repeated sequence of length n, ``back=n - 1`` is the induction score (over the second
        copy), ``back=1`` the previous-token score, and ``back=n`` the duplicate-token score
        (Olsson et al. 2022, arXiv:2209.11895). Rows that are not stated are left out.
        """
        return float(np.nanmean(np.diagonal(self.pattern(head, words), -back)))

    @cached_property
    def _flows(self) -> tuple[Flow, Flow]:
        return self.machine.run(self.clean), self.machine.run(self.corrupt)

    def _metric(self, scores: Mapping[str, float]) -> float:
        return float(scores[self.answer] - scores[self.counterfactual_answer])

    def _final(self, flow: Flow) -> Array:
        return np.asarray(self.machine.stream(flow, self.machine.shape.n_layers)[-1])

    def _ends(self, direction: str) -> tuple[tuple[tuple[str, ...], Flow], Flow]:
        """The run that is patched, its words first, and the run that is patched in."""
        if direction not in get_args(Direction):
            raise UnknownNameError.of("direction", direction, get_args(Direction))
        clean, corrupt = self._flows
        if direction == "noise":
            return (self.clean, clean), corrupt
        return (self.corrupt, corrupt), clean

    def _share(self, scores: Mapping[str, float], direction: str) -> float:
        start, end = self.value, self.corrupt_value
        if direction == "denoise":
            start, end = end, start
        return (self._metric(scores) - start) / (end - start)

    def _ablated(self, components: Components, kind: str, reference: Sequence[str]) -> Flow:
        if kind not in get_args(Ablation):
            raise UnknownNameError.of("ablation", kind, get_args(Ablation))
        prompts = [tuple(text.split()) for text in reference] or list(self.reference)
        if kind == "resample":
            prompts = prompts[:1]
        found = self._working(components)
        flows = [self.machine.run(words) for words in prompts] if kind != "zero" else []
        replaced: dict[Component, Values] = {}
        for component in found:
            if flows:
                values = np.mean([flow.parts[component] for flow in flows], axis=0)
            else:
                values = np.zeros_like(self._flows[0].parts[component])
            replaced[component] = dict(enumerate(values))
        return self.machine.run(self.clean, replaced)

    def _movers(self, layer: int) -> list[Mover]:
        return [m for m in self.machine.mechanism.movers if m.layer == layer]

    def _working(self, components: Components) -> list[Component]:
        """Those that write features; ``attn_out`` is all heads of its layer."""
        found = components_of(components) if components else ()
        for component in found:
            self._check(component)
        heads = {c.layer for c in found if c.kind == "attn_out"}
        return [
            c for c in self._flows[0].parts if c in found or (c.kind == "head" and c.layer in heads)
        ]

    def _check(self, component: Component) -> None:
        shape = self.machine.shape
        sizes = {"head": shape.n_heads, "q": shape.n_heads, "k": shape.n_kv_heads}
        size = sizes.get("k" if component.kind == "v" else component.kind, 1)
        if component.kind not in (*sizes, "v", "attn_out", "mlp_out", "embed", "bias") or not (
            component == EMBED
            or ((component.layer or 0) < shape.n_layers and (component.index or 0) < size)
        ):
            raise ExperimentError(
                f"{component} is no component here: there are {shape.n_layers} layers with "
                f"{shape.n_heads} heads and {shape.n_kv_heads} key-value heads"
            )

    @staticmethod
    def _order(component: Component) -> tuple[int, int]:
        """Place in the order in which parts read and write."""
        if component == EMBED:
            return (-1, 0)
        return (component.layer or 0, {"mlp_out": 2}.get(component.kind, 1))
