"""What a model computes with, as values that can be compared.

Many tests share one set of weights. A test that writes into a tensor, leaves a hook or changes a
setting changes what all others see. Tensors are compared by their bytes: the version counters of
torch do not see what is written through ``.data`` or numpy.
"""

from __future__ import annotations

import inspect
import itertools
import weakref
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache, cached_property
from typing import Any

import torch
import xxhash
from torch import Tensor, nn

State = dict[str, Hashable]
"""By the name of a part in words, as ``tensor lm_head.weight``, a value that changes with it."""
Seen = dict[Hashable, str]
"""Digests of tensors by where they lie."""
UNSEEN = "of a kind whose changes cannot be seen"

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device)
_CHUNK = 1 << 22
"""Numbers that a digest on the device reads at a time."""


def changes(before: State, after: State) -> list[str]:
    """The parts that differ, in words; tensors first."""
    missing = object()
    names = [n for n in before | after if before.get(n, missing) != after.get(n, missing)]
    return sorted(names, key=lambda name: not name.startswith("tensor "))


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def key_of(state: State) -> str:
    """One short value for a whole state."""
    return xxhash.xxh3_128_hexdigest(repr(sorted(state.items())).encode())


def state_of(module: nn.Module, seen: Seen) -> State:
    """The state of a module. Tensors that were seen before are left out."""
    found = digests(dict(tensors_of(module)), seen)
    return {f"tensor {name}": digest for name, digest in found.items()} | parts_of(module)


def tensors_of(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers; a tensor that has two names, under both."""
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def parts_of(module: nn.Module) -> State:
    """All but the tensors: the submodules with their classes, settings and hooks; the config."""
    found: State = {}
    for name, part in module.named_modules():
        where, own = name or "the model", vars(part)
        public = {key: value for key, value in own.items() if not key.startswith("_")}
        settings = tuple((k, v) for k, v in public.items() if isinstance(v, _PLAIN))
        functions = tuple((k, serial(v)) for k, v in public.items() if callable(v))
        kind = (serial(type(part)), serial(type(part).forward))
        found[f"module {where}"] = (*kind, settings, functions)
        # torch numbers hooks and uses no number twice
        if any(hooks := tuple(tuple(own[key]) for key in _HOOKS)):
            found[f"hooks at {where}"] = hooks
    config: Any = getattr(module, "config", None)
    if hasattr(config, "to_dict"):
        # to_dict leaves out which implementation of attention computes
        found["the config"] = repr((config.to_dict(), getattr(config, "_attn_implementation", "")))
    return found


def digests(tensors: Mapping[str, Tensor], seen: Seen) -> dict[str, str]:
    """Shape, dtype and a digest of the bytes of each tensor that was not seen before.

    They hold within this process alone. On the CPU this takes 0.1 s for each GiB.
    """
    found: dict[str, str] = {}
    new: Seen = {}
    for name, tensor in tensors.items():
        # tied weights have several names: they are read once
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        if place in seen:
            continue
        if place not in new:
            new[place] = f"{tuple(tensor.shape)} {tensor.dtype} {_digest(tensor)}"
        found[name] = new[place]
    seen.update(new)
    return found


def _digest(tensor: Tensor) -> str:
    if tensor.is_meta:  # it lies elsewhere, and nothing here can change it
        return "not at hand"
    flat = tensor.detach().contiguous().view(-1).view(torch.uint8)
    if tensor.device.type == "cuda":
        return summed(flat)
    return xxhash.xxh3_128_hexdigest(flat.cpu().numpy().data)


def summed(flat: Tensor) -> str:
    """A digest of bytes, computed on their device: all but a few numbers stay there.

    For each stretch of 16 MiB the sum of its 32-bit words, each times a random odd number, modulo
    2**64. It sees a change of one word for sure, and misses any other with a chance of 2**-32.
    """
    words = nn.functional.pad(flat, (0, -len(flat) % 4)).view(torch.int32)
    factors = _factors(flat.device)
    sums = [(part.long() * factors[: len(part)]).sum() for part in words.split(_CHUNK)]
    return xxhash.xxh3_128_hexdigest(torch.stack(sums).cpu().numpy().tobytes())


@cache
def _factors(device: torch.device) -> Tensor:
    drawn = torch.Generator().manual_seed(0)
    numbers = torch.randint(-(2**63), 2**63 - 1, (_CHUNK,), generator=drawn)
    return (numbers | 1).to(device)


def tokenizer_state(tokenizer: Any) -> Hashable:
    """What decides the ids of a text, but for the entries of the vocabulary."""
    fast = getattr(tokenizer, "backend_tokenizer", None)
    steps = ("normalizer", "pre_tokenizer", "post_processor")
    own = getattr(tokenizer, "__dict__", {})
    return (
        serial(tokenizer),
        getattr(tokenizer, "vocab_size", None),
        repr(getattr(tokenizer, "added_tokens_decoder", None)),
        tuple(repr(getattr(fast, step, None)) for step in steps),
        tuple((k, repr(v)) for k, v in own.items() if k.startswith(("add_", "_add_"))),
    )


def attributes_of(thing: object, own: Mapping[str, object]) -> State:
    """The methods of a thing and its own attributes, which are given; :data:`UNSEEN` for some."""
    of_class: dict[str, object] = {}
    for kind in reversed(type(thing).__mro__[:-1]):
        of_class |= {k: v for k, v in vars(kind).items() if not k.startswith(("__", "_abc_"))}
    named = {f"method {k}": v for k, v in of_class.items()}
    # the monkeypatch of pytest 9.0 undoes by setting a method of the class on the object
    restored = {k for k, v in own.items() if _is_method(v, of_class.get(k), thing)}
    named |= {f"attribute {k}": v for k, v in own.items() if k not in restored}
    found: State = {"class": serial(type(thing))}
    for name, value in named.items():
        try:
            found[name] = _value(value)
        except TypeError:
            found[name] = UNSEEN
    return found


def _is_method(value: object, function: object, thing: object) -> bool:
    """Whether the value is a function of a class, bound to this thing of it."""
    return inspect.ismethod(value) and value.__self__ is thing and value.__func__ is function


def _value(thing: Any) -> Hashable:
    """A value that changes with all that a thing holds; a TypeError where that cannot be seen."""
    if isinstance(thing, _PLAIN):
        return type(thing).__name__, thing
    if isinstance(thing, Tensor):
        return digests({"": thing}, {})[""]
    if isinstance(thing, nn.Module):
        return key_of(state_of(thing, {}))
    if isinstance(thing, dict):
        return tuple((key, _value(value)) for key, value in thing.items())
    if isinstance(thing, list | tuple):
        return tuple(map(_value, thing))
    if isinstance(thing, property | cached_property):
        return serial(thing.fget if isinstance(thing, property) else thing.func)
    if inspect.isroutine(thing) or isinstance(thing, type):
        return serial(getattr(thing, "__func__", thing))
    if is_dataclass(thing) and type(thing).__hash__ is not None:
        return hash(thing), repr(thing)  # frozen
    raise TypeError(UNSEEN)


def serial(thing: object) -> int:
    """A number that an object of this process has and none had before, as ``id`` may be.

    It keeps nothing alive.
    """
    known = _serials.get(id(thing))
    if known is None or known[0]() is not thing:
        known = _serials[id(thing)] = (weakref.ref(thing), next(_numbers))
    return known[1]


_serials: dict[int, tuple[weakref.ref[Any], int]] = {}
_numbers = itertools.count()
