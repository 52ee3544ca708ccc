"""A layout that nobody wrote: found by one pass, from what the modules of a model give and take.

Which module adds what is found by arithmetic and not by names: two modules of a block are attention
and MLP where what they give is what the block adds to the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from pytest_interp.adapters.layouts import Layout, register_layout
from pytest_interp.adapters.places import ModulePlace
from pytest_interp.adapters.weights import Weights
from pytest_interp.models.check import Comparison, check_model
from pytest_interp.models.search import Search
from pytest_interp.registry import restored


@dataclass(frozen=True)
class Draft:
    """A layout, and what could not be found."""

    layout: Layout
    unknown: tuple[str, ...]
    """What is left out of the layout, each with the reason."""

    def code(self) -> str:
        """A call of ``register_layout``, ready for a file."""
        given = [
            (one.name, getattr(self.layout, one.name))
            for one in fields(Layout)
            if getattr(self.layout, one.name) != one.default and getattr(self.layout, one.name)
        ]
        if self.layout.resid_mid is None:
            given.append(("resid_mid", None))
        body = "".join(f"        {name}={_written(value)},\n" for name, value in given)
        return (
            "from pytest_interp.adapters import Layout, ModulePlace, register_layout\n\n"
            f"register_layout(\n    Layout(\n{body}    )\n)"
        )


def draft_layout(weights: Weights, tokens: Tensor) -> Draft:
    """Find a layout by one pass of the plain module. No layout is needed.

    Args:
        weights: the model.
        tokens: [1, pos], at least three of them, no two alike.

    Raises:
        NotAModelError: a part is not found without which there is no layout: the list of blocks,
            the two modules that add to the stream, attention, the embedding or the final norm. The
            message says which.
    """
    return Draft(*Search(weights, tokens).found())


def proved(
    layout: Layout, weights: Weights, backends: Sequence[str], prompt: str
) -> list[Comparison]:
    """The check of a model with this layout. Nothing stays registered."""
    with restored():
        register_layout(layout, replace=True)
        return check_model(weights, backends, prompt)


def _written(value: Any) -> str:
    if not isinstance(value, ModulePlace):
        return repr(value).replace("'", '"')
    parts = [f'"{value.path}"', f'"{value.side}"']
    parts += [
        f"{one.name}={getattr(value, one.name)!r}"
        for one in fields(ModulePlace)[2:]
        if getattr(value, one.name) != one.default
    ]
    return f"ModulePlace({', '.join(parts)})"
