"""Names for the parts of a model that write to its residual stream, or that such parts are made of.

A component is written as a site with its numbers: ``embed``, ``mlp_out.5``, ``head.9.6`` (layer and
head), ``k.9.2`` (layer and key-value head), ``mlp_neurons.5.17``. No torch here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_interp.adapters.sites import Site, parse_kind
from pytest_interp.errors import ExperimentError

BIAS = "bias"
"""What the output biases of a block add; a component, but no site."""
LAYER_INPUTS = "layer_inputs"
"""What a block adds besides attention and MLP, from inputs of its own; a component, but no site."""
_NO_SITE = {
    BIAS: "a bias adds the same to every token",
    LAYER_INPUTS: "it is what is left of a block without its attention and its MLP",
}
_FORM = re.compile(r"(?P<kind>[a-z_]+)(\.(?P<layer>\d+))?(\.(?P<index>\d+))?")


@dataclass(frozen=True, order=True)
class Component:
    """One part of a model."""

    kind: str
    """The name of a kind of site, or :data:`BIAS`, or :data:`LAYER_INPUTS`."""
    layer: int | None = None
    index: int | None = None
    """The head, the key-value head or the neuron, where the kind has such."""

    def __str__(self) -> str:
        return ".".join(
            str(part) for part in (self.kind, self.layer, self.index) if part is not None
        )

    @property
    def site(self) -> Site:
        """Where it is found.

        Raises:
            ExperimentError: a bias is at no site, nor are inputs of a layer.
            UnknownNameError: there is no such kind of site.
        """
        if why := _NO_SITE.get(self.kind):
            raise ExperimentError(f"{self} is at no site: {why}")
        return Site(parse_kind(self.kind), self.layer)

    @classmethod
    def of(cls, component: Component | str) -> Component:
        """The component, or that of a text as ``head.9.6``.

        Raises:
            ExperimentError: the text has another form, or numbers that its kind has not.
            UnknownNameError: there is no such kind of site.
        """
        if isinstance(component, Component):
            return component
        found = _FORM.fullmatch(str(component))
        if found is None:
            raise ExperimentError(
                f"{component!r} is no component: write a site with its layer, and its head where "
                "it has some, as in 'mlp_out.5' or 'head.9.6'",
                about="components",
            )
        layer, index = (None if n is None else int(n) for n in (found["layer"], found["index"]))
        made = cls(found["kind"], layer, index)
        if made.kind in _NO_SITE:
            return made
        kind = made.site.kind
        if index is not None and not (kind.per_head or kind.unit_dim):
            raise ExperimentError(
                f"{component!r} has a number too many: {kind} has no heads to number",
                about="components",
            )
        return made


def components_of(asked: Component | str | Iterable[Component | str]) -> tuple[Component, ...]:
    """One component or several, each of them maybe a text, each once and in the order given.

    Raises:
        ExperimentError: there is none, or one is no component.
        UnknownNameError: there is no such kind of site.
    """
    given: object = asked
    if not isinstance(given, Iterable | Component) or isinstance(given, bytes):
        raise ExperimentError(f"{given!r} is no component, and no list of them: write 'head.9.6'")
    listed = [asked] if isinstance(asked, str | Component) else list(asked)
    if not listed:
        raise ExperimentError("no component is given: name at least one, as 'head.9.6'")
    return tuple(dict.fromkeys(map(Component.of, listed)))
