"""A model as it was when it was put under a backend.

A backend has modules of its own, and shares only the tensors: what is changed of the other parts
later, its runs do not see.
"""

from __future__ import annotations

from torch import Tensor, nn

from pytest_interp.adapters.state import changes, listed, parts_of, tensors_of
from pytest_interp.errors import DamagedWeightsError


class Opened:
    """The parts of a module at one time, to be compared with later ones."""

    def __init__(self, module: nn.Module) -> None:
        self._parts, self._tensors = parts_of(module), dict(tensors_of(module))

    def check(self, module: nn.Module, name: str, backend: str) -> None:
        """Refuse a module that is no longer the same; what its tensors hold may differ.

        Raises:
            DamagedWeightsError: modules, hooks or settings were changed, or a tensor replaced.
        """
        before, now = self._tensors, dict(tensors_of(module))
        found = [f"tensor {n}" for n in before | now if not _same(before.get(n), now.get(n))]
        if found := found + changes(self._parts, parts_of(module)):
            raise DamagedWeightsError(
                f"{name} was changed after it was put under {backend}: "
                f"{listed(found)}. The backend has modules of its own, and shares only the tensors "
                "of these, so its runs would not see all of that. Change a copy, then open it: "
                f"weights = model.copy(); ...; open_adapter(weights, {backend!r})"
            )


def _same(before: Tensor | None, now: Tensor | None) -> bool:
    # one that lies on the disk is replaced each time its module runs
    elsewhere = all(tensor is not None and tensor.is_meta for tensor in (before, now))
    return before is now or elsewhere
