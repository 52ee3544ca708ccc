"""Circuits: some heads and MLPs are kept, and all others are ablated. Does the model still do it?

Faithfulness, completeness and minimality: Wang et al. 2022 (IOI, arXiv 2211.00593). How faithful a
circuit is hangs on the kind of ablation: Miller et al. 2024 (arXiv 2407.08734).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.components import Component, components_of
from pytest_interp.adapters.sites import ATTN_OUT, HEAD, MLP_OUT
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.ablated import Ablated
from pytest_interp.experiments.ablations import Measurements, Named
from pytest_interp.experiments.groups import groups_of
from pytest_interp.experiments.members import Components, every_writer, patch_of
from pytest_interp.experiments.replacements import Reference, Replacements
from pytest_interp.experiments.spreading import spreads
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.circuit import CircuitOptions
from pytest_interp.results.circuit import CircuitResult
from pytest_interp.results.over_facts import as_set

Nodes = frozenset[Component]
WHOLE = "the circuit"
"""The subset for completeness that is all of it."""


@spreads
def circuit(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    keep: Component | str | Iterable[Component | str],
    *,
    reference: Reference = None,
    subsets: Named | None = None,
    minimal_with: Named | None = None,
    options: CircuitOptions | None = None,
    **asked: Any,
) -> CircuitResult:
    """Measure every clean prompt with all heads and MLPs outside of a circuit ablated.

    Embeddings, norms and biases always stay. All variants of the circuit are rows of growing
    passes.

    Args:
        adapter: the model under a backend.
        facts: one prompt or a set.
        keep: the circuit: heads, as ``head.9.6``, or ``head.9`` for all of a layer; and MLPs, as
            ``mlp_out.5``. The attention of a layer without heads is one part, as ``attn_out.3``.
        reference: the prompts that means and resampled values come from, as for
            :func:`pytest_interp.ablate`.
        subsets: parts of the circuit for completeness, by name, beside the whole circuit and those
            that are sampled.
        minimal_with: for a component, what else is left out of the circuit when its share is
            measured. Where another component does the same a single removal shows nothing.
        options: all options as one value.
        **asked: single options in place of those: ``ablation`` (which has no default), ``metric``,
            ``over_positions``, ``draws``, ``sampled``, ``minimality``, ``random``, ``seed``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: no kind of ablation is named, a component is neither a head nor an MLP of
            the model, a subset has parts that the circuit lacks, an option makes no sense, there
            are no reference prompts, or some have another length.
        UnknownNameError: an unknown kind of ablation, or metric.
    """
    chosen = replace(options, **asked) if options else CircuitOptions(**asked)
    asked_facts, nodes = as_set(facts), every_writer(adapter)
    kept = _nodes(nodes, keep)
    named = _subsets(kept, subsets or {}, chosen)
    beside = _beside(kept, minimal_with or {}) if chosen.minimality else {}
    others = _random_circuits(nodes, kept, chosen)

    runs = _Variants(nodes)
    of_circuit, of_none = runs.keeping(kept), runs.keeping(())
    circuit_without = [runs.keeping(set(kept) - set(one)) for one in named.values()]
    model_without = [runs.keeping(set(nodes) - set(one)) for one in named.values()]
    before = [runs.keeping(set(kept) - set(one)) for one in beside.values()]
    after = [runs.keeping(set(kept) - {v, *one}) for v, one in beside.items()]
    of_random = [runs.keeping(one) for one in others]

    over = circuit_groups(adapter, facts, keep, reference=reference, options=chosen)
    found = Measurements(adapter, asked_facts, chosen.metric)
    values = np.empty((len(asked_facts), len(runs.ablated)))
    for group in over.groups:
        patches = [patch_of(one) for one in runs.ablated]
        values[list(group.members)] = found.of(group, patches, over.values(group, patches))
    made = CircuitResult(
        keep=tuple(map(str, kept)),
        n_nodes=len(nodes),
        kept=values[:, of_circuit],
        none=values[:, of_none],
        subset_names=tuple(named),
        subsets=tuple(tuple(map(str, one)) for one in named.values()),
        circuit_without=values[:, circuit_without],
        model_without=values[:, model_without],
        removed=tuple(map(str, beside)),
        minimal_with=tuple(tuple(map(str, one)) for one in beside.values()),
        before_removal=values[:, before],
        after_removal=values[:, after],
        random_circuits=tuple(tuple(map(str, one)) for one in others),
        random_kept=values[:, of_random],
        how=chosen.to_json(),
        **found.common(chosen.seed),
    )
    return over.finished(made)


def circuit_groups(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    keep: Any,
    *,
    reference: Reference = None,
    subsets: Any = None,
    minimal_with: Any = None,
    options: CircuitOptions | None = None,
    **asked: Any,
) -> Ablated:
    """The groups of facts that :func:`circuit` measures together, with the same arguments."""
    chosen = replace(options, **asked) if options else CircuitOptions(**asked)
    groups = groups_of(adapter, as_set(facts))
    replacements = Replacements(adapter, groups, chosen.replacing, reference)
    return Ablated(groups, chosen.metric, patch_of(every_writer(adapter)), replacements)


class _Variants:
    """Sets of nodes that are kept, each measured once."""

    def __init__(self, nodes: Components) -> None:
        self.nodes = nodes
        self.ablated: list[Components] = []
        """What is ablated in each."""
        self._at: dict[Nodes, int] = {}

    def keeping(self, kept: Iterable[Component]) -> int:
        """The number of the variant in which these are kept."""
        chosen = frozenset(kept)
        if chosen not in self._at:
            self._at[chosen] = len(self.ablated)
            self.ablated.append(tuple(node for node in self.nodes if node not in chosen))
        return self._at[chosen]


def _nodes(nodes: Components, asked: Any, about: str = "keep") -> Components:
    """Heads and MLPs, ``head.9`` as all heads of that layer; in the order of the model.

    Raises:
        ExperimentError: one is neither, or the model lacks it.
    """
    found: set[Component] = set()
    for one in components_of(asked):
        alike = [
            node
            for node in nodes
            if node == one
            or (one.index is None and (node.kind, node.layer) == (one.kind, one.layer))
        ]
        if not alike:
            last = nodes[-1]
            n_heads = 1 + max(node.index for node in nodes if node.index is not None)
            whole = [str(node) for node in nodes if node.kind == ATTN_OUT.name]
            others = f", and of {', '.join(whole)}" if whole else ""
            raise ExperimentError(
                f"{one} is no part of a circuit here: circuits are made of heads, head.0.0 to "
                f"{HEAD}.{last.layer}.{n_heads - 1} ('head.5' for all of a layer), and of MLPs, "
                f"{MLP_OUT}.0 to {MLP_OUT}.{last.layer}{others}",
                about=about,
            )
        found.update(alike)
    return tuple(node for node in nodes if node in found)


def _inside(kept: Components, asked: Any, about: str) -> Components:
    """Components that a circuit has.

    Raises:
        ExperimentError: it lacks one.
    """
    found = components_of(asked)
    if outside := [str(one) for one in found if one not in kept]:
        raise ExperimentError(
            f"{', '.join(outside)} is not in the circuit: {about} names parts of it, each as a "
            "head or an MLP",
            about=about,
        )
    return found


def _subsets(kept: Components, given: Named, options: CircuitOptions) -> Mapping[str, Components]:
    """All of the circuit, the named subsets, and random ones.

    Raises:
        ExperimentError: a name is that of another subset, or a part is not in the circuit.
    """
    if taken := [name for name in given if re.fullmatch(rf"{WHOLE}|sample \d+", name)]:
        raise ExperimentError(
            f"a subset is named {taken[0]!r}, as {WHOLE!r} and the sampled ones ('sample 1') are: "
            "give it another name",
            about="subsets",
        )
    found = {WHOLE: kept}
    found |= {name: _inside(kept, one, "subsets") for name, one in given.items()}
    rng = np.random.default_rng(options.seed)
    drawn = rng.random((options.sampled, len(kept))) < 0.5
    for row in drawn:
        subset = tuple(one for one, chosen in zip(kept, row, strict=True) if chosen)
        if subset and subset not in found.values():
            found[f"sample {len(found) - len(given)}"] = subset
    return found


def _beside(kept: Components, given: Named) -> Mapping[Component, Components]:
    """For each component of the circuit, what is left out beside it."""
    found: dict[Component, Components] = dict.fromkeys(kept, ())
    for name, one in given.items():
        (component,) = _inside(kept, name, "minimal_with")
        found[component] = _inside(kept, one, "minimal_with")
        if component in found[component]:
            raise ExperimentError(
                f"minimal_with leaves {name} out beside itself: name others", about="minimal_with"
            )
    return found


def _random_circuits(
    nodes: Components, kept: Components, options: CircuitOptions
) -> Sequence[Components]:
    """Circuits of as many components of each kind, none of them the given one."""
    rng = np.random.default_rng([options.seed, 1])
    kinds: dict[str, list[Component]] = {HEAD.name: [], MLP_OUT.name: []}
    for node in nodes:
        kinds.setdefault(node.kind, []).append(node)
    found: dict[Nodes, Components] = {}
    for _ in range(4 * options.random):
        drawn = [
            of[i]
            for kind, of in kinds.items()
            for i in rng.choice(len(of), sum(n.kind == kind for n in kept), replace=False)
        ]
        if set(drawn) != set(kept):
            found.setdefault(frozenset(drawn), tuple(node for node in nodes if node in drawn))
        if len(found) == options.random:
            break
    return list(found.values())
