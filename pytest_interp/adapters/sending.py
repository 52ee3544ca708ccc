"""Sending runs to a server, and what is said where that fails.

A run is sent as the source of its trace with all that it refers to, this package's functions too:
a server need not have the package. ``local`` is a server in this process, with weights of its own
(:mod:`pytest_interp.adapters.local_server`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import nnsight
import torch
from torch import Tensor

from pytest_interp.adapters.local_server import LocalServer
from pytest_interp.adapters.packing import leave_behind
from pytest_interp.adapters.skeleton import Skeleton, Told
from pytest_interp.adapters.state import Seen, State
from pytest_interp.adapters.unanswered import explained
from pytest_interp.adapters.weights import Weights, path_of
from pytest_interp.errors import InterpError, RemoteError

LOCAL, NDIF = "local", "ndif"
HUB = "hub "
"""How the source of weights from the Hugging Face hub begins: a server knows models by it."""


class Server:
    """A server that holds a model."""

    def __init__(self, bare: Skeleton, at: str, served: Weights | None) -> None:
        """Prepare the runs.

        Args:
            bare: the model as this process has it.
            at: ``local``, ``ndif``, or the address of a server.
            served: the weights that ``local`` runs on.

        Raises:
            RemoteError: it is no model that a server could have.
        """
        nnsight.register("pytest_interp")
        self.at, self.served = at, served
        self.model = _wrapped(bare, "meta")
        self._embeddings = path_of(bare.module, bare.module.get_input_embeddings())
        if served is not None:
            self._here = _wrapped(served, served.device)
        elif bare.source.startswith(HUB):
            repo, _, revision = bare.source.removeprefix(HUB).partition("@")
            self.model.repo_id, self.model.revision = repo, revision or None
        else:
            raise RemoteError(
                f"{at} cannot have {bare.name}: servers run models of the Hugging Face hub, and"
                f" this one is from {bare.source}. Give a hub id (org/name or org/name@revision),"
                " or remote: local"
            )

    def run(
        self, tokens: Tensor, events: Sequence[Any], work: Any, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Run the model there; what ``work.found(logits)`` gives there."""
        with self._explaining():
            return _trace(self.model, tokens, events, work, dict(options), self._backend())

    def begin(self, tokens: Tensor, block: str, options: Mapping[str, Any]) -> Tensor:
        """What enters a block there. The run stops before it."""
        with self._explaining():
            return _begin(self.model, tokens, walk(self.model, block), options, self._backend())

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """What a function of the model gives there. No block is run."""
        with self._explaining():
            return _ask(self.model, torch.zeros(1, 1, dtype=torch.long), question, self._backend())

    @cached_property
    def told(self) -> Told:
        """What the model is there."""
        said = self.ask(_Describe(self._embeddings))
        return Told(**{**said, "dtype": getattr(torch, said["dtype"])})

    @property
    def fingerprint(self) -> str:
        """Of ``local`` that of the weights as they are; else checkpoint and revision."""
        if self.served is not None:
            return str(self.served.fingerprint)
        return f"{self.told.name}@{self.told.revision or self.model.revision or 'main'}"

    @property
    def knows_checkpoint(self) -> bool:
        """Whether the fingerprint is of these very weights: a branch may have moved since."""
        return self.served is not None or bool(self.told.revision)

    def tensors(self, path: str, names: Sequence[str]) -> dict[str, Tensor]:
        """Tensors of one module, by their names in it."""
        found: dict[str, Tensor] = self.ask(_Tensors(path, tuple(names)))
        return found

    def state(self, seen: Seen) -> State:
        """The weights of ``local``: nothing here can see or change those of another server."""
        if self.served is None:
            return {}
        return {f"{name} at the server": what for name, what in self.served.state(seen).items()}

    def embeddings(self, of: Callable[[Any], Any]) -> Any:
        """What a function of the token embedding gives there."""
        return self.ask(_Of(self._embeddings, of))

    def _backend(self) -> Any:
        if self.served is not None:
            return LocalServer(self._here)
        return self.model._remote_backend(True if self.at == NDIF else self.at, True, None, False)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except InterpError:
            raise
        except Exception as error:
            raise explained(error, self.at) from error


def _wrapped(weights: Weights, device: Any) -> Any:
    # it changes the tokenizer that it is given
    words = copy.deepcopy(weights.tokenizer)
    return nnsight.TransformersModel(
        weights.twin(), tokenizer=words, task="text-generation", device=device
    )


def walk(root: Any, path: str) -> Any:
    """The module at a path, as a number or an attribute at each step."""
    for name in path.split(".") if path else ():
        root = root[int(name)] if name.isdigit() else getattr(root, name)
    return root


class _Describe:
    def __init__(self, embeddings: str) -> None:
        self.embeddings = embeddings

    def __call__(self, model: Any) -> dict[str, Any]:
        import transformers

        config, weight = model.config, walk(model, self.embeddings).weight
        packages = {"nnsight": nnsight, "torch": torch, "transformers": transformers}
        return {
            "name": str(config._name_or_path),
            "revision": str(getattr(config, "_commit_hash", None) or ""),
            "dtype": str(weight.dtype).removeprefix("torch."),
            "device": weight.device.type,
            "attention": str(config._attn_implementation),
            "versions": {name: str(one.__version__) for name, one in packages.items()},
        }


class _Tensors:
    def __init__(self, path: str, names: tuple[str, ...]) -> None:
        self.path, self.names = path, names

    def __call__(self, model: Any) -> dict[str, Tensor]:
        part = walk(model, self.path)
        return {name: walk(part, name).detach().clone() for name in self.names}


class _Of:
    def __init__(self, path: str, of: Callable[[Any], Any]) -> None:
        self.path, self.of = path, of

    def __call__(self, model: Any) -> Any:
        return self.of(walk(model, self.path))


# The source of the bodies of these three is what is sent.


def _trace(
    model: Any,
    tokens: Tensor,
    events: Sequence[Any],
    work: Any,
    options: dict[str, Any],
    server: Any,
) -> dict[str, Any]:
    with model.trace(tokens, backend=server, **options):
        for event in events:
            event.fire()
        found = nnsight.save(work.found(model.output.logits))
    return found  # type: ignore[no-any-return]


def _begin(
    model: Any, tokens: Tensor, block: Any, options: Mapping[str, Any], server: Any
) -> Tensor:
    with model.trace(tokens, backend=server, **options) as tracer:
        found = nnsight.save(block.input.detach())
        tracer.stop()
    return found  # type: ignore[no-any-return]


def _ask(model: Any, tokens: Tensor, question: Callable[[Any], Any], server: Any) -> Any:
    with model.trace(tokens, backend=server) as tracer:
        found = nnsight.save(question(model))
        tracer.stop()
    return found


leave_behind(Skeleton, Server)
