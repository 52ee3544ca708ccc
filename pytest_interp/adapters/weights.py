"""The loaded weights of one model: the thing that every backend wraps and none owns."""

from __future__ import annotations

import copy
import hashlib
import itertools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pytest_interp.adapters.offloaded import content, is_offloaded, refuse
from pytest_interp.adapters.state import (
    Seen,
    State,
    changes,
    digests,
    key_of,
    serial,
    state_of,
    tokenizer_state,
)

_fingerprints: dict[str, str] = {}
"""Fingerprints by the digests of the tensors, which are 20 times as fast."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A causal language model as Hugging Face loads it, with its tokenizer.

    ``module`` is kept pristine: in eval mode, with eager attention, no parameter requiring a
    gradient, and never wrapped by a backend. A backend takes a :meth:`twin`. Whoever wants to
    change it takes a :meth:`copy`.
    """

    name: str
    """What the user asked for: a registry name, a hub id or a folder."""
    module: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    source: str
    """Where the tensors came from, in words fit for a provenance record."""
    loaded: State | None = field(default=None, repr=False)
    """What they were when they were loaded; None where somebody else made them."""
    origin: Any = field(default=None, repr=False)
    """What another process needs to load the same (:class:`pytest_interp.models.origin.Origin`);
    None where nothing else can."""

    is_bare: ClassVar[bool] = False
    """Whether the modules alone are here, and the tensors at a server."""

    def __repr__(self) -> str:
        return f"<weights of {self.name}: {self.source}>"

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return cast(torch.device, self.module.device)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the parameters."""
        return cast(torch.dtype, self.module.dtype)

    @property
    def architecture(self) -> str:
        """The ``model_type`` of the config, for example ``"llama"``."""
        return str(self.module.config.model_type)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits over names, shapes, dtypes and bytes of all tensors, as they are."""
        tensors = self.module.state_dict()
        # what is not at hand has no digest: then the module itself stands for its tensors
        which = serial(self.module) if is_offloaded(self.module) else ""
        now = key_of({**digests(tensors, {}), "of": which})
        if now not in _fingerprints:
            digest = hashlib.blake2b(digest_size=8)
            for name, tensor in sorted(tensors.items()):
                digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
                held = content(self.module, name, tensor).detach()
                raw = held.cpu().contiguous().view(-1).view(torch.uint8).numpy()
                digest.update(raw.data)
            _fingerprints[now] = digest.hexdigest()
        return _fingerprints[now]

    def state(self, seen: Seen | None = None) -> State:
        """What they are now: tensors, modules, hooks, config, tokenizer."""
        found = state_of(self.module, {} if seen is None else seen)
        return found | {"the tokenizer": tokenizer_state(self.tokenizer)}

    def changes(self) -> list[str]:
        """What was changed since they were loaded, in words, as ``tensor lm_head.weight``."""
        return [] if self.loaded is None else changes(self.loaded, self.state())

    def copy(self) -> Self:
        """The same weights in tensors of their own, to be changed.

        Takes the memory of one more model. Put it under a backend by
        :func:`~pytest_interp.adapters.open_adapter`.

        Raises:
            DeviceError: some of them are not at hand.
        """
        refuse(self.module, "A copy of the model that can be changed needs")
        module = copy.deepcopy(self.module)
        return replace(
            self, module=module, source=f"copy of {self.source}", loaded=None, origin=None
        )

    @property
    def unembedding(self) -> str:
        """The path of the module that makes logits."""
        return path_of(self.module, self.module.get_output_embeddings())

    def part(self, path: str) -> torch.nn.Module:
        """A module with its weights."""
        return cast(torch.nn.Module, self.module.get_submodule(path))

    def tensors(self, path: str, names: Sequence[str]) -> dict[str, torch.Tensor]:
        """Tensors of a module, by their names in it."""
        part = self.module.get_submodule(path)
        return {name: operator.attrgetter(name)(part) for name in names}

    def twin(self) -> PreTrainedModel:
        """Copy the modules and share the tensors (about 1 MiB, whatever the model's size).

        Backends change the module that they wrap; a twin keeps them apart from each other and
        from :attr:`module`.
        """
        tensors = itertools.chain(self.module.parameters(), self.module.buffers())
        # deepcopy takes what the memo already holds as the finished copy
        memo = {id(tensor): tensor for tensor in tensors}
        twin = cast(PreTrainedModel, copy.deepcopy(self.module, memo))
        twin.get_output_embeddings().register_forward_pre_hook(_close_gaps)
        return twin


def path_of(module: torch.nn.Module, part: torch.nn.Module) -> str:
    """Where a module lies in another one."""
    return next(str(path) for path, one in module.named_modules() if one is part)


def _close_gaps(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Copy what enters the unembedding where its rows do not lie side by side.

    Hugging Face models cut out the last position just before. On what that leaves, torch multiplies
    row by row, and reads the whole unembedding for each.
    """
    return (inputs[0].contiguous(), *inputs[1:])
