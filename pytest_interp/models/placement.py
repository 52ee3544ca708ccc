"""Where the parts of a model lie: spread over several devices, or in part on the disk.

The map is that of Hugging Face: from the path of a module to a device (``"cpu"``, ``0`` or
``"cuda:0"``) or to ``"disk"``, from where a part is read each time it runs. accelerate moves what
goes from one part to the next.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from pytest_interp.adapters.layouts import ARCHITECTURES, Layout
from pytest_interp.errors import DeviceError
from pytest_interp.models.devices import resolve_device

DeviceMap = Mapping[str, str | int]
DISK = "disk"


def spreads(device: object) -> bool:
    """Whether ``auto`` spreads a model here: there are several GPUs."""
    return device == "auto" and torch.cuda.is_available() and torch.cuda.device_count() > 1


def place(name: str, module: Any, device_map: DeviceMap | str) -> nn.Module:
    """Put each part of a model where the map says.

    Args:
        name: of the model, for messages.
        module: the Hugging Face model, on the CPU.
        device_map: the map, or ``"auto"``: over all GPUs, evenly.

    Raises:
        DeviceError: the map names no module of the model, or leaves one out; a device is not here;
            it divides a block, or puts on the disk what experiments read; or no map holds it all.
    """
    from accelerate import dispatch_model

    layout = ARCHITECTURES.find(str(module.config.model_type))
    found = _automatic(name, module) if isinstance(device_map, str) else _named(name, device_map)
    if set(found) == {""} and found[""] != DISK:
        return module.to(found[""])  # type: ignore[no-any-return]
    _check(name, module, layout, found)
    folder = tempfile.mkdtemp(prefix="pytest-interp-offload-") if DISK in found.values() else None
    if folder is not None:
        weakref.finalize(module, shutil.rmtree, folder, ignore_errors=True)
    parts = dict(_parts(module, found))
    placed: nn.Module = dispatch_model(module, parts, offload_dir=folder, force_hooks=True)
    return placed


def _automatic(name: str, module: Any) -> dict[str, Any]:
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    if not spreads("auto"):
        return {"": resolve_device("auto")}
    whole = {"no_split_module_classes": list(module._no_split_modules or ())}
    memory = get_balanced_memory(module, **whole)
    memory = {device: size for device, size in memory.items() if isinstance(device, int)}
    found: dict[str, Any] = infer_auto_device_map(module, max_memory=memory, **whole)
    if out := [part for part, device in found.items() if device in ("cpu", DISK)]:
        raise DeviceError(
            f"{name} does not fit into the memory of {len(memory)} GPUs: {len(out)} of its parts"
            f" are left over, the first is {out[0]!r}. Ask for a smaller dtype, or say where its"
            f" blocks go: register_model({name!r}, ..., device_map={{...: 'cpu', ...: 'disk'}})"
        )
    return found


def _named(name: str, device_map: DeviceMap) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part, device in device_map.items():
        asked = f"cuda:{device}" if isinstance(device, int) else device
        try:
            found[part] = DISK if asked == DISK else resolve_device(asked)
        except DeviceError as error:
            raise DeviceError(f"the device map of {name} at {part!r}: {error}") from error
    return found


def _check(name: str, module: nn.Module, layout: Layout, device_map: Mapping[str, Any]) -> None:
    modules = dict(module.named_modules(remove_duplicate=False))
    where = f"the device map of {name}"
    if unknown := [part for part in device_map if part not in modules]:
        raise DeviceError(
            f"{where} names {unknown[0]!r}, and the model has no such module. Its parts are"
            f" {', '.join(part for part, _ in module.named_children())}; its blocks are"
            f" {layout.blocks}.0 and so on"
        )
    for part in device_map:
        inside = part.removeprefix(f"{layout.blocks}.")
        if inside != part and "." in inside:
            raise DeviceError(
                f"{where} divides a block, at {part!r}: what its parts add to the stream must lie"
                " where the stream is. Name whole blocks"
            )
    tensors = dict(module.named_parameters(remove_duplicate=False))
    if left := [tensor for tensor in tensors if _device_of(tensor, device_map) is None]:
        raise DeviceError(
            f"{where} says nothing of {left[0]!r} and {len(left) - 1} other tensors: name the"
            " modules that hold them, or give '' for all that is not named"
        )
    homes = {device for device in device_map.values() if device != DISK}
    slow = {DISK} if all(device.type == "cpu" for device in homes) else {DISK, torch.device("cpu")}
    for tensor in tensors:
        if tensor.startswith(f"{layout.blocks}."):
            continue
        if _device_of(tensor, device_map) in slow:
            raise DeviceError(
                f"{where} puts {tensor!r} where it is fetched each time it is used. Experiments"
                " read the embedding, the final norm and the unembedding themselves: keep these on"
                f" a device, and only blocks ({layout.blocks}.0 and so on) elsewhere"
            )


def _parts(module: nn.Module, device_map: Mapping[str, Any], path: str = "") -> Iterator[Any]:
    """The same map without parts that lie inside of others: accelerate reads no such map."""
    below = f"{path}." if path else ""
    if path and not any(part.startswith(below) for part in device_map):
        yield path, _device_of(below, device_map)
        return
    for name, child in module.named_children():
        yield from _parts(child, device_map, f"{below}{name}")


def _device_of(tensor: str, device_map: Mapping[str, Any]) -> Any:
    """The device of the longest path that the tensor lies below; None where there is none."""
    above = [part for part in device_map if not part or tensor.startswith(f"{part}.")]
    return device_map[max(above, key=len)] if above else None
