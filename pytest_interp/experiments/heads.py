"""Causal tracing of single heads, key-value heads and neurons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Unpack

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site, site_kinds
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.parts import Part, Patch
from pytest_interp.experiments.patch_runs import PatchRuns, Where
from pytest_interp.experiments.spreading import spreads
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.trace import TraceAsked, TraceOptions
from pytest_interp.results.head_trace import HeadTrace
from pytest_interp.results.over_facts import as_set

MOST_UNITS = 512
"""More parts of one layer than this are named by nobody, but come from forgetting to name some."""


@spreads
def trace_heads(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    options: TraceOptions | None = None,
    *,
    position: str | int = "last",
    heads: Iterable[int] | None = None,
    controls: bool = True,
    max_rows: int | None = None,
    **asked: Unpack[TraceAsked],
) -> HeadTrace:
    """Patch one head of every layer at a time: which ones carry the fact?

    Every head is a row of growing passes, which costs only the layers above it. The default is
    ``head``, what a head gives before the output projection (z); ``q``, ``k``, ``v`` and
    ``pattern`` ask by which way it matters. ``k`` and ``v`` have one number per key-value head,
    which several heads may share.

    Args:
        adapter: the model under a backend.
        facts: one fact or a set.
        options: all options as one value.
        position: ``last``, ``subject`` (all its tokens), ``subject_last``, an index or ``all``: the
            tokens at which a head is patched, all of them together.
        heads: numbers of heads, key-value heads or neurons; all by default. Of ``mlp_neurons``
            some must be named.
        controls: run the cheap controls too, so that verdicts name them.
        max_rows: most rows of one forward pass. Memory sets the default.
        **asked: single options in place of those: ``site``, ``direction``, ``metric``,
            ``corruption``, ``layers``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: a site without heads or neurons, one of them that the model lacks, or an
            option that has no meaning.
        UnknownNameError: an unknown metric, site, direction or corruption.
    """
    runs, layers, units = _runs(adapter, facts, options, position, heads, max_rows, asked)
    fields = runs.results()
    fields["patched"] = fields["patched"].reshape(len(runs.facts), len(layers), len(units))
    found = HeadTrace(
        **fields, position=position, layers=layers, heads=units, n_layers=adapter.n_layers
    )
    return found.with_controls(*runs.controls(found)) if controls else found


def head_runs(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    options: TraceOptions | None = None,
    *,
    position: str | int = "last",
    heads: Iterable[int] | None = None,
    max_rows: int | None = None,
    **asked: Unpack[TraceAsked],
) -> PatchRuns:
    """What :func:`trace_heads` runs, with the same arguments."""
    return _runs(adapter, facts, options, position, heads, max_rows, asked)[0]


def _runs(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    options: TraceOptions | None,
    position: str | int,
    heads: Iterable[int] | None,
    max_rows: int | None,
    asked: TraceAsked,
) -> tuple[PatchRuns, tuple[int, ...], tuple[int, ...]]:
    """The runs, and the layers and the heads that they patch."""
    if options is None:
        asked.setdefault("site", "head")
    chosen = TraceOptions.of(options, **asked)
    layers, units = layers_of(adapter, chosen.layers), _units(adapter, chosen, heads)

    def patches(where: Where) -> Sequence[Patch]:
        at = where(position)
        return [(Part(Site(chosen.site, n), at, (i,)),) for n in layers for i in units]

    what = f"patching {chosen.site}s"
    return PatchRuns(adapter, as_set(facts), chosen, patches, what, max_rows), layers, units


def _units(
    adapter: ModelAdapter, chosen: TraceOptions, heads: Iterable[int] | None
) -> tuple[int, ...]:
    kind = chosen.site
    if kind.unit_dim is None:
        usable = ", ".join(one.name for one in site_kinds() if one.unit_dim)
        raise ExperimentError(
            f"{kind} has no heads: trace_heads patches {usable}. causal_trace patches {kind}",
            about="site",
        )
    if chosen.window != 1:
        raise ExperimentError(
            "heads of several layers are patched together by trace_joint, as "
            "{'movers': ['head.20-24.3@last']}",
            about="window",
        )
    count = adapter.sizes.dims[kind.unit_dim]
    if heads is None:
        if count > MOST_UNITS or kind.unit_dim == "neuron":
            raise ExperimentError(
                f"{kind} has {count} {kind.unit_dim}s in each layer: name some, heads=[17, 41]",
                about="heads",
            )
        return tuple(range(count))
    named = tuple(dict.fromkeys(heads))
    if not named:
        raise ExperimentError("heads is empty: name one or more", about="heads")
    for index in named:
        adapter.sizes.check_unit(adapter.name, kind, index)
    return named
