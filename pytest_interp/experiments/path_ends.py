"""Where paths begin and end: senders, which write to the stream, and receivers, which read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.components import Component, components_of
from pytest_interp.adapters.sites import ATTN_OUT, RESID_MID, RESID_POST, RESID_PRE, Site
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.groups import Positions, positions_in
from pytest_interp.experiments.members import every_writer
from pytest_interp.facts.prompts import TokenizedFact

Named = Component | str | Iterable[Component | str]
OUTPUT = "output"
"""The receiver that is the final norm and the unembedding."""
SENDERS = ("embed", "head", "attn_out", "mlp_out")
RECEIVERS = ("q", "k", "v", "mlp_out")


@dataclass(frozen=True)
class Receiver:
    """What reads the stream."""

    name: str
    reads: Site
    """The site whose change reaches what it reads."""
    component: Component | None
    """None for the output."""
    order: tuple[int, int]
    """Its place among what reads and writes."""
    position: str | int = "all"
    """The tokens at which it is exchanged: a role, the text of a token, or an index."""

    @property
    def units(self) -> tuple[int, ...] | None:
        """Its head or key-value head; None for all there are."""
        index = None if self.component is None else self.component.index
        return None if index is None else (index,)

    def positions(self, fact: TokenizedFact) -> Positions:
        """Its tokens in a prompt.

        Raises:
            ExperimentError: the prompt has no such token.
        """
        return positions_in(fact, self.position, "receivers")


def receivers_of(adapter: ModelAdapter, asked: Named) -> tuple[Receiver, ...]:
    """Receivers by name, each once.

    Raises:
        ExperimentError: there is none, one is no receiver, or the model lacks it.
        UnknownNameError: there is no such kind of site.
    """
    listed = [asked] if isinstance(asked, str | Component) else list(asked)
    if not listed:
        raise ExperimentError(
            "no receiver is given: name at least one, as 'q.9.6', 'mlp_out.9' or 'output'",
            about="receivers",
        )
    return tuple(_receiver(adapter, str(one)) for one in dict.fromkeys(map(str, listed)))


def _receiver(adapter: ModelAdapter, name: str) -> Receiver:
    part, at, written = name.partition("@")
    position: str | int = int(written) if re.fullmatch(r"-?\d+", written) else written or "all"
    if at and not written:
        raise ExperimentError(
            f"{name!r} names no position: write one behind the @, as '{part}@subject', or leave it",
            about="receivers",
        )
    if part == OUTPUT and at:
        raise ExperimentError(
            f"{name!r} has a position, and the output is read at the last token alone: write "
            f"{OUTPUT!r}",
            about="receivers",
        )
    if part == OUTPUT:
        last = adapter.n_layers - 1
        return Receiver(name, Site(RESID_POST, last), None, (adapter.n_layers, 0))
    component = Component.of(part)
    if component.kind not in RECEIVERS:
        wanted = ""
        if component.kind == "head":
            place = f"{component.layer}.{component.index or 0}"
            wanted = f": a head reads by its queries, keys and values, as 'q.{place}'"
        raise ExperimentError(
            f"{name!r} is no receiver{wanted}; receivers are {', '.join(RECEIVERS)} with their "
            f"numbers, alone or at a position as 'v.9.2@subject', and {OUTPUT!r}",
            about="receivers",
        )
    _check(adapter, component, "receivers")
    layer = component.layer
    assert layer is not None  # the site was made
    if component.kind == "mlp_out":
        # where attention and MLP run side by side, both read what enters the block
        beside = not adapter.layout.has(RESID_MID)
        reads = Site(RESID_PRE if beside else ATTN_OUT, layer)
        return Receiver(name, reads, component, (layer, 1 if beside else 2), position)
    return Receiver(name, Site(RESID_PRE, layer), component, (layer, 1), position)


def senders_of(
    adapter: ModelAdapter, asked: Named | None, receivers: Iterable[Receiver]
) -> tuple[Component, ...]:
    """Senders by name, each once; of None all that every receiver reads, as ``every_writer`` says.

    Raises:
        ExperimentError: there is none, one is no sender, the model lacks it, or it comes no earlier
            than a receiver.
        UnknownNameError: there is no such kind of site.
    """
    first = min(receivers, key=lambda one: one.order)
    if asked is None or (isinstance(asked, tuple | list) and not asked):
        found = tuple(one for one in every_writer(adapter) if _order(adapter, one) < first.order)
        if not found:
            raise ExperimentError(
                f"no head and no MLP comes before {first.name}: name 'embed' as the sender",
                about="senders",
            )
        return found
    found = components_of(asked)
    for one in found:
        if one.kind not in SENDERS:
            raise ExperimentError(
                f"{str(one)!r} is no sender: it does not write to the stream; senders are "
                f"{', '.join(SENDERS)} with their numbers, as 'head.9.6'",
                about="senders",
            )
        _check(adapter, one, "senders")
        if _order(adapter, one) >= first.order:
            raise ExperimentError(
                f"{first.name} does not come after {one}, and cannot read what it writes: leave "
                f"{one} out, or name a later receiver",
                about="senders",
            )
    return found


def _order(adapter: ModelAdapter, sender: Component) -> tuple[int, int]:
    """When a sender has written."""
    if sender.layer is None:
        return (-1, 0)
    beside = not adapter.layout.has(RESID_MID)
    return (sender.layer, 2 if beside or sender.kind == "mlp_out" else 1)


def _check(adapter: ModelAdapter, component: Component, about: str) -> None:
    site = component.site  # refuses a bias
    if site.layer is not None and site.layer >= adapter.n_layers:
        raise ExperimentError(
            f"{component} is not there: {adapter.name} has layers 0 to {adapter.n_layers - 1}",
            about=about,
        )
    adapter.check_site(site, edited=True)
    if component.index is not None:
        adapter.sizes.check_unit(adapter.name, site.kind, component.index)
