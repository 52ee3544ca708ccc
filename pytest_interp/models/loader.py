"""From a name to loaded weights, and to an adapter on one backend."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

import torch

from pytest_interp.adapters.backends import check_backend, open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.skeleton import Skeleton
from pytest_interp.adapters.state import listed
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import DamagedWeightsError, DeviceError
from pytest_interp.models.devices import resolve_device, resolve_dtype
from pytest_interp.models.finite import not_finite
from pytest_interp.models.origin import Origin
from pytest_interp.models.placement import DeviceMap, place, spreads
from pytest_interp.models.registry import choose_backend, find_model
from pytest_interp.models.room import check_room
from pytest_interp.models.sources import Source

_shared: WeakValueDictionary[Hashable, Weights] = WeakValueDictionary()
_lock = threading.Lock()


def load_model(
    name: str | Path,
    backend: str = "auto",
    device: str | torch.device | DeviceMap | None = None,
    dtype: str | torch.dtype | None = None,
    remote: str | None = None,
) -> ModelAdapter:
    """Load a model and open it under a backend.

    ``name`` is a registered name, a hub id ``org/name`` or ``org/name@revision``, a folder (of a
    LoRA adapter, too) or a ``.gguf`` file. ``backend`` is
    ``"transformer_lens"``, ``"nnsight"`` or ``"auto"``: the model's own default when it is
    installed, else another that is. ``remote`` is that of
    :func:`~pytest_interp.adapters.open_adapter`, by default that of the model's entry. The other
    arguments are those of :func:`load_weights`.

    Raises:
        RemoteError: runs are to be made elsewhere, and the backend cannot send them.
        BackendNotInstalledError: the backend's package is missing.
        UnknownNameError: there is no such backend. All other errors are those of
            :func:`load_weights`.
    """
    # before the weights, which may have to be fetched
    remote = remote or find_model(name).remote
    auto = "nnsight" if remote else choose_backend(name)
    chosen = auto if backend == "auto" else check_backend(backend)
    load = load_weights if remote is None else load_skeleton
    return open_adapter(load(name, device, dtype), chosen, remote)


def load_weights(
    name: str | Path,
    device: str | torch.device | DeviceMap | None = None,
    dtype: str | torch.dtype | None = None,
) -> Weights:
    """Load the weights of a model, or share those that are in use already.

    As long as something holds the weights of a model, asking again (for the other backend, say)
    gives the same object: no second copy. If it was changed since, the model is loaded anew.
    Attention is eager, the model is in eval mode and no parameter requires a gradient. ``device``
    defaults to the device map of the model's entry if it has one, else to cuda, then mps, then cpu;
    ``dtype`` to bfloat16 on cuda and float32 elsewhere. ``"auto"`` spreads the blocks over all GPUs
    where there are several; a mapping from modules to devices says where each part goes. Downloads
    and conversions are reported to :mod:`pytest_interp.progress`.

    Raises:
        UnknownNameError: no registered name, folder or hub id.
        WeightsUnavailableError: the weights are not here; the message says how to get them.
        DamagedWeightsError: the weights are not those that the registry pins, cannot be read, or
            are not finite.
        NotAModelError: the folder holds no causal language model with safetensors.
        CacheError: the weights have to be converted, and the cache cannot be written.
        DeviceError: an unknown or unavailable device or dtype, one that the weights overflow, or a
            device map that does not fit the model.
        MemoryLimitError: it takes more memory than is free, by the headers of its files.
    """
    entry = find_model(name)
    source, asked = entry.source, entry.device_map if device is None else device
    device_map = asked if isinstance(asked, Mapping) else "auto" if spreads(asked) else None
    where = resolve_device(None if isinstance(asked, Mapping) else asked)
    if isinstance(device_map, Mapping) and not _on_gpus(device_map):
        where = resolve_device("cpu")
    kind = resolve_dtype(dtype, where)
    spread = tuple(device_map.items()) if isinstance(device_map, Mapping) else device_map
    with _lock:
        key = (str(name), source.identity(), where, kind, spread)
        weights = _shared.get(key)
        if weights is None or weights.changes():
            module, tokenizer = source.load(kind)
            if device_map is None:
                if where.type != "cpu":
                    numbers = sum(tensor.numel() for tensor in module.parameters())
                    check_room(str(name), numbers, kind, where)
                module.to(where)
            module.eval().requires_grad_(False)
            _check_finite(str(name), module, source, kind)
            if device_map is not None:
                place(str(name), module, device_map)
            made = Weights(str(name), module, tokenizer, source.describe())
            origin = None
            if device_map is None:  # else no other process can know where the parts are to lie
                origin = Origin(
                    str(name),
                    find_model(name),
                    None if device is None else str(device),
                    None if dtype is None else str(dtype),
                )
            weights = _shared[key] = replace(made, loaded=made.state(), origin=origin)
    return weights


def load_skeleton(
    name: str | Path,
    device: str | torch.device | DeviceMap | None = None,
    dtype: str | torch.dtype | None = None,
) -> Skeleton:
    """The modules and the tokenizer of a model whose runs are made elsewhere, without its weights.

    ``device`` and ``dtype`` are those of the weights that serve it where that is this process
    (``remote="local"``). Other servers choose theirs.

    Raises:
        DeviceError: a device map, which says where weights lie here. All other errors are those of
            :func:`load_weights`.
    """
    if isinstance(device, Mapping):
        raise DeviceError(
            f"the runs of {name} are made elsewhere (remote), so that no device map can place its"
            " weights: leave out the map, or remote"
        )
    entry = find_model(name)
    module, tokenizer = entry.source.skeleton(resolve_dtype(dtype, torch.device("cpu")))
    asked = (None if device is None else str(device), None if dtype is None else str(dtype))
    module.eval().requires_grad_(False)
    made = Skeleton(
        str(name),
        module,
        tokenizer,
        entry.source.describe(),
        origin=Origin(str(name), entry, *asked),
    )
    return replace(made, loaded=made.state())


def _on_gpus(device_map: DeviceMap) -> bool:
    return any(isinstance(one, int) or one.startswith("cuda") for one in device_map.values())


def _check_finite(name: str, module: torch.nn.Module, source: Source, dtype: torch.dtype) -> None:
    if not (found := not_finite(module)):
        return
    named = f"{len(found)} of its tensors are not finite: {listed(found, 5)}"
    short = str(dtype).removeprefix("torch.")
    if dtype in (torch.float16, torch.bfloat16) and not not_finite(source.load(torch.float32)[0]):
        raise DeviceError(
            f"the weights of {name} do not fit into {short}, whose largest number is"
            f" {torch.finfo(dtype).max:g}: {named}. Load them as float32"
            f"{' or bfloat16' if dtype is torch.float16 else ''}."
        )
    raise DamagedWeightsError(
        f"the weights of {name} ({source.describe()}) are damaged: {named}. Nothing that is"
        " measured on them means anything. Copy or download them again; if they were trained or"
        " edited here, find the step that broke them."
    )
