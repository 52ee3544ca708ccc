"""A model of which only the modules are here: its weights are at a server, and stay there."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, Self, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from pytest_interp.adapters.state import Seen, State, key_of
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import RemoteError


@dataclass(frozen=True)
class Told:
    """What a server says of a model that it serves."""

    name: str
    """Of the checkpoint, as ``org/name``."""
    revision: str
    """The commit of the checkpoint; empty where the server does not know it."""
    dtype: torch.dtype
    device: str
    attention: str
    versions: dict[str, str]
    """Of the packages there."""


class Holder(Protocol):
    """Whoever holds the weights."""

    @property
    def told(self) -> Told:
        """What the model is there."""

    @property
    def fingerprint(self) -> str:
        """What tells the weights there from any others."""

    @property
    def knows_checkpoint(self) -> bool:
        """Whether the fingerprint is of these very weights: whoever holds them told the commit."""

    def tensors(self, path: str, names: Sequence[str]) -> dict[str, Tensor]:
        """Tensors of one module, by their names in it."""

    def state(self, seen: Seen) -> State:
        """What this process can see of the weights there."""


@dataclass(frozen=True, eq=False)
class Skeleton(Weights):
    """The modules of a model without content (on the device ``meta``), and its tokenizer.

    An experiment that reads a module itself gets it by :meth:`part`, fetched from the server.
    """

    is_bare = True
    server: Holder | None = field(default=None, repr=False)
    _fetched: dict[tuple[str, ...], tuple[str, dict[str, Tensor]]] = field(
        default_factory=dict, repr=False
    )

    @classmethod
    def of(cls, weights: Weights) -> Skeleton:
        """The skeleton of weights that are here."""
        if isinstance(weights, Skeleton):
            return weights
        return cls(
            weights.name,
            emptied(weights.module),
            weights.tokenizer,
            weights.source,
            origin=weights.origin,
        )

    @property
    def device(self) -> torch.device:
        """Where token ids and what comes back from the server lie."""
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the parameters at the server; before it is asked, that of the modules."""
        return super().dtype if self.server is None else self.server.told.dtype

    @property
    def fingerprint(self) -> str:
        """That of the weights at the server, as it tells it."""
        if self.server is None:
            self._refuse("The fingerprint of the weights")
        return self.server.fingerprint

    def state(self, seen: Seen | None = None) -> State:
        """The modules here, and what can be seen of the weights at the server."""
        seen = {} if seen is None else seen
        return super().state(seen) | ({} if self.server is None else self.server.state(seen))

    def part(self, path: str) -> nn.Module:
        """A module with its weights, fetched as :meth:`tensors` are."""
        made: nn.Module = copy.deepcopy(self.module.get_submodule(path))
        made.load_state_dict(self.tensors(path, list(made.state_dict())), assign=True)
        return made.requires_grad_(False)

    def tensors(self, path: str, names: Sequence[str]) -> dict[str, Tensor]:
        """Tensors of a module, fetched from the server once and kept here.

        Raises:
            RemoteError: the server gave no answer.
        """
        if self.server is None:
            self._refuse(f"{path} of {self.name}")
        now, asked = key_of(self.server.state({})), (path, *names)
        if self._fetched.get(asked, ("",))[0] != now:
            self._fetched[asked] = now, self.server.tensors(path, names)
        return self._fetched[asked][1]

    def copy(self) -> Self:
        """Refused: there is nothing here to copy.

        Raises:
            RemoteError: always.
        """
        self._refuse("A copy of the model that can be changed")

    def _refuse(self, what: str) -> NoReturn:
        raise RemoteError(
            f"{what} needs weights, and those of {self.name} are not here: its runs are sent to a"
            " server (remote). Run without remote"
        )


def emptied(module: PreTrainedModel) -> PreTrainedModel:
    """A copy of the modules without the content of their tensors."""
    tensors = itertools.chain(module.parameters(), module.buffers())
    # deepcopy takes what the memo already holds as the finished copy
    memo: dict[int, Tensor] = {}
    for tensor in tensors:
        bare = torch.empty_like(tensor, device="meta", requires_grad=False)
        is_parameter = isinstance(tensor, nn.Parameter)
        memo[id(tensor)] = nn.Parameter(bare, requires_grad=False) if is_parameter else bare
    return cast(PreTrainedModel, copy.deepcopy(module, memo))
