"""Whether an activation has the shape that its kind of site says.

A place that is wrong for one backend alone often gives the right numbers in another shape, as
``[row, pos, d_model]`` in place of ``[row, pos, head, d_head]``. An edit or a claim would then mean
something else under each backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from pytest_interp.adapters.sites import Site
from pytest_interp.errors import HookError


@dataclass(frozen=True)
class Shapes:
    """What is known of the dimensions of one run."""

    where: str
    """The adapter, for messages."""
    sizes: Mapping[str, int]
    """By the names that :class:`SiteKind.shape` uses. Any size is right for all other names."""

    def check(self, site: Site, value: Tensor) -> None:
        """Compare an activation with what its kind says.

        Raises:
            HookError: it has another number of dimensions, or one of another size.
        """
        dims, found = site.kind.dims, tuple(value.shape)
        wanted = [self.sizes.get(name) for name in dims]
        if len(found) == len(dims) and all(
            size in (None, own) for own, size in zip(found, wanted, strict=True)
        ):
            return
        here = ", ".join(
            name if size is None else str(size) for name, size in zip(dims, wanted, strict=True)
        )
        raise HookError(
            f"in {self.where} the site {site} has the shape {list(found)}, but its kind says "
            f"{site.kind.shape}, here [{here}]. One shape holds under every backend: name another "
            "place in register_site, another shape= in SiteKind, or per_head=True where the third "
            "dimension counts heads"
        )
