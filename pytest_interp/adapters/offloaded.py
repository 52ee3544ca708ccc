"""Tensors that lie on the disk, or in the memory of another device, until their module runs.

accelerate leaves a tensor without content (on the device ``meta``) in their place.
"""

from __future__ import annotations

from torch import Tensor, nn

from pytest_interp.errors import DeviceError


def is_offloaded(module: nn.Module) -> bool:
    """Whether any tensor of a module is elsewhere."""
    return any(tensor.is_meta for tensor in module.parameters())


def content(module: nn.Module, name: str, tensor: Tensor) -> Tensor:
    """What a tensor of a module holds: itself, or what is fetched from where it lies."""
    if not tensor.is_meta:
        return tensor
    from accelerate.utils import align_module_device

    path, _, leaf = name.rpartition(".")
    home = module.get_submodule(path)
    with align_module_device(home):
        found: Tensor = getattr(home, leaf).detach().clone()
    return found


def refuse(module: nn.Module, what: str) -> None:
    """Refuse what needs every tensor at hand.

    Raises:
        DeviceError: some are elsewhere. ``what`` says who needs them, as the subject of a sentence.
    """
    if is_offloaded(module):
        raise DeviceError(
            f"{what} all weights at hand, and this device map leaves some blocks where they are"
            " fetched each time they run. Give a map without 'disk' (and with GPUs, without 'cpu'),"
            " or run under nnsight what needs only runs of the model"
        )
