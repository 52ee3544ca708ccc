"""The nnsight backend on a model that runs elsewhere: ``ndif``, the address of a server, or here.

A run is sent as the source of its trace with all that it refers to, this package's functions too:
a server need not have the package. Back come the logits that were asked for, the captures, and how
often each hook fired. ``local`` packs a run as for a server, unpacks it without any of this
process's modules, runs what was unpacked, and takes back what was packed for the way home.
"""

from __future__ import annotations

import copy
import io
import linecache
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import nnsight
import torch
from nnsight.intervention.backends.local import LocalSimulationBackend
from nnsight.intervention.serialization import CustomCloudPickler
from nnsight.schema.request import RequestModel
from nnsight.tracing.util import push
from torch import Tensor

from pytest_interp.adapters.nnsight import NNsightAdapter
from pytest_interp.adapters.offloaded import refuse
from pytest_interp.adapters.prefix import Prefix, behind
from pytest_interp.adapters.sites import PATTERN, Site
from pytest_interp.adapters.taps import Plan, Tap
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import InterpError, RemoteError, described
from pytest_interp.provenance import Provenance
from pytest_interp.registry import Registry

LOCAL, NDIF = "local", "ndif"


class RemoteAdapter(NNsightAdapter):
    """A model under nnsight, whose runs are made at a server."""

    def __init__(self, weights: Weights, at: str) -> None:
        """Prepare the runs.

        Args:
            weights: the model. Its modules say what a server's are called; texts, embeddings and
                prefixes are computed with them here.
            at: ``local``, ``ndif``, or the address of a server.

        Raises:
            DeviceError: some of the weights are not at hand.
        """
        super().__init__(weights)
        refuse(weights.module, "A run that is sent to a server needs")
        self.at = at
        nnsight.register("pytest_interp")
        # it changes the tokenizer that it is given
        words = copy.deepcopy(weights.tokenizer)
        self._model: Any = nnsight.TransformersModel(
            weights.twin(), tokenizer=words, task="text-generation"
        )
        if at != LOCAL:
            self._model.repo_id = weights.source.partition(" ")[2].partition("@")[0]

    def _attributes(self) -> Mapping[str, object]:
        return {**super()._attributes(), "at": self.at}

    def provenance(self, seed: int | None = None) -> Provenance:
        """As that of a run here, with the server and what it says of its versions."""
        made = super().provenance(seed)
        source = f"{made.source}, run at {self.at}"
        return replace(made, source=source, versions=made.versions | _versions(self.at))

    def refusal(self, site: Site, *, edited: bool = False) -> str:
        """As here, but for the pattern: see :mod:`pytest_interp.adapters.patterns`."""
        if site.kind == PATTERN:
            return (
                "cannot be reached in runs that are sent to a server (remote): the attention there"
                " is the library's own, which has no place for it. Run without remote"
            )
        return super().refusal(site, edited=edited)

    def _forward(
        self, tokens: Tensor, taps: Mapping[Site, Tap], logits_to_keep: int, prefix: Prefix | None
    ) -> Tensor:
        assert isinstance(taps, Plan)
        if torch.is_grad_enabled():
            raise RemoteError(
                "gradients cannot be asked of a run that is sent to a server: only results come"
                " back. Run this experiment without remote"
            )
        events = [self._event(site, tap) for site, tap in taps.items()]
        options = {"logits_to_keep": logits_to_keep, **behind(self.weights.module, prefix)}
        work = _Work(taps.owner, prefix)
        try:
            found = _trace(self._model, tokens, events, work, options, self._server())
        except InterpError:
            raise
        except Exception as error:
            raise _explained(error, self.at) from error
        taps.owner.take(found)
        for layer, was_read in zip(prefix.layers if prefix else (), found["read"], strict=True):
            layer.was_read = was_read
        logits: Tensor = found["logits"]
        return logits

    def _server(self) -> Any:
        if self.at == LOCAL:
            return _Here(self._model)
        return self._model._remote_backend(True if self.at == NDIF else self.at, True, None, False)


@dataclass(frozen=True)
class _Work:
    """What a run fills, there, and what of it comes back."""

    taps: Any
    prefix: Any

    def found(self, logits: Any) -> dict[str, Any]:
        read = [layer.was_read for layer in self.prefix.layers] if self.prefix else []
        return {"logits": logits, "read": read, **self.taps.found()}


def _trace(
    model: Any,
    tokens: Tensor,
    events: Sequence[Any],
    work: _Work,
    options: dict[str, Any],
    server: Any,
) -> dict[str, Any]:
    """Run one trace there. The source of the body below is what is sent."""
    with model.trace(tokens, backend=server, **options):
        for event in events:
            event.fire()
        found = nnsight.save(work.found(model.output.logits))
    return found  # type: ignore[no-any-return]


class _Here(LocalSimulationBackend):  # type: ignore[misc]
    """A server inside this process. Nothing but the two packages of bytes goes in or out."""

    def __call__(self, tracer: Any) -> None:
        sent = RequestModel.serialize(tracer, compress=False)
        filename = tracer.info.frame.f_code.co_filename
        line = linecache.cache.get(filename)
        paths, hidden = list(sys.path), self._hide_local_modules()
        try:
            there = RequestModel.deserialize(sent, self.model._remoteable_persistent_objects())
        finally:
            self._restore(hidden)
            sys.path[:] = paths  # in their order
            linecache.cache.pop(filename, None)
            if line is not None:
                linecache.cache[filename] = line
        with _without_this_package():
            there.execute(there.info.code)
        packed = io.BytesIO()
        torch.save({"found": there.info.frame.f_locals["found"]}, packed)
        packed.seek(0)
        # no class of this package may come back: a server has none
        found = torch.load(packed, weights_only=True)
        push(tracer.info.frame, found)


@contextmanager
def _without_this_package() -> Iterator[None]:
    """What is imported here while a sent run goes on, a server could not import."""
    ours = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    for name in ours:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.update(ours)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "pytest_interp"


class _LeftBehind:
    """Stands at the server in the place of what cannot or need not be sent."""

    def __init__(self, what: str) -> None:
        self.__dict__["what"] = what

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(
            f"a run that was sent to a server asked for {name!r} of {self.__dict__['what']}, which"
            " stays behind: compute what an edit needs before the run, and let it refer to that"
        )


def _leave(thing: Any) -> tuple[Any, tuple[str]]:
    return _LeftBehind, (f"a {type(thing).__name__}",)


def _cached(function: Callable[[Any], Any], name: str) -> cached_property[Any]:
    made: cached_property[Any] = cached_property(function)
    made.__set_name__(object, name)
    return made


def _reduced(thing: cached_property[Any]) -> tuple[Any, tuple[Any, ...]]:
    # in some versions of Python it holds a lock
    return _cached, (thing.func, thing.attrname)


CustomCloudPickler.dispatch_table = ChainMap(
    {
        cached_property: _reduced,
        **dict.fromkeys((Registry, ContextVar, NNsightAdapter, RemoteAdapter, Weights), _leave),
    },
    CustomCloudPickler.dispatch_table,
)


def _versions(at: str) -> dict[str, str]:
    if at != NDIF:
        return {"server": at}
    from nnsight import ndif

    try:
        said = ndif.get_remote_env().get("packages", {})
    except Exception as error:
        raise _explained(error, at) from error
    named = {name: str(said[name]) for name in ("nnsight", "torch", "transformers") if name in said}
    return {"server": at, **{f"{name} at the server": version for name, version in named.items()}}


def _explained(error: Exception, at: str) -> RemoteError:
    """The error of a run that was sent, with what to do."""
    said = described(error)
    if isinstance(error, OSError) or "send request" in said or "onnect" in type(error).__name__:
        advice = (
            "The server was not reached, or the connection was lost. Check the address, wait for a"
            " queue to end, and run again: what is finished is kept where a baseline or a report"
            " was written. For ndif: an API key in NDIF_API_KEY, and the model must be running"
            " there (python -c 'import nnsight; print(nnsight.ndif_status())')"
        )
    elif "pickle" in said:
        advice = (
            "The run holds something that cannot be sent. An edit that refers to a module, a file"
            " or a lock cannot: let it refer to tensors and plain values"
        )
    else:
        advice = "The run failed there. Try it with remote: local, and without remote"
    return RemoteError(f"a run sent to {at} gave no result: {said}. {advice}")
