"""An activation as what enters or leaves a module, and how it lies in there. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from pytest_interp.errors import InterpError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ModulePlace:
    """An activation as what enters or leaves a module."""

    path: str
    """Below the block, or below the model for sites that are not in blocks; empty for itself."""
    side: Literal["input", "output"]
    item: int | None = None
    """Which item, where the output is a tuple; by default the first."""
    part: tuple[int, int] | None = None
    """Which of how many equal parts of the last dimension, where one module gives several things,
    as queries, keys and values."""
    n_parts: int = 1
    """How many of these parts, where several things are not of one size."""
    in_each_head: bool = False
    """Whether every head has all of the parts side by side, and not every part all heads."""
    scale: float = 1.0
    """What the module gives is multiplied by this before anything else reads it."""

    @classmethod
    def of(cls, text: str) -> ModulePlace:
        """Read ``path.input`` or ``path.output``.

        Raises:
            InterpError: it ends in something else.
        """
        path, _, side = text.rpartition(".")
        if side not in ("input", "output"):
            raise InterpError(f"the path {text!r} must end in .input or .output")
        return cls(path, cast(Literal["input", "output"], side))

    def read(self, value: Any, heads: int | None = None) -> Tensor:
        """The activation in what enters or leaves the module, split into heads where it has any."""
        whole = self._whole(value)
        if self.scale != 1:
            whole = whole * self.scale
        if self.in_each_head and heads is not None:
            return self._narrowed(whole.unflatten(-1, (heads, -1)))
        whole = self._narrowed(whole)
        return whole if heads is None else whole.unflatten(-1, (heads, -1))

    def write(self, value: Any, new: Tensor, heads: int | None = None) -> Any:
        """What enters or leaves the module, with another activation in it."""
        whole = self._whole(value)
        if self.part is not None:
            made = whole.clone()
            split = made.unflatten(-1, (heads, -1)) if self.in_each_head and heads else made
            there = self._narrowed(split)
            there.copy_(new.reshape(there.shape))
        else:
            made = new if heads is None else new.flatten(-2)
        if self.scale != 1:
            made = self._unscaled(whole, made)
        if not isinstance(value, tuple):
            return made
        # tuples cannot be assigned to by item: put a whole new one in place
        item = self.item or 0
        return (*value[:item], made, *value[item + 1 :])

    def _whole(self, value: Any) -> Tensor:
        whole: Tensor = value[self.item or 0] if isinstance(value, tuple) else value
        return whole

    def _narrowed(self, whole: Tensor) -> Tensor:
        if self.part is None:
            return whole
        number, count = self.part
        size = whole.shape[-1] // count
        return whole.narrow(-1, number * size, self.n_parts * size)

    def _unscaled(self, whole: Tensor, new: Tensor) -> Tensor:
        divided = new / self.scale
        if new.requires_grad:
            return divided  # the graph has to go through the activation that was read
        # where nothing was changed not a bit changes
        return whole.expand_as(new).where(new == whole * self.scale, divided)
