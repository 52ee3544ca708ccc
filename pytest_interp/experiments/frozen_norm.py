"""A norm as the linear map that it is for one input, its statistics held.

RMSNorm and LayerNorm divide by a number that they take from their input, and LayerNorm subtracts
one. With both held as the run had them, what a norm gives is a sum over what went into its input
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pytest_interp.errors import ExperimentError
from pytest_interp.precision import precision_of


def exact(x: Tensor) -> Tensor:
    """In float64 on the CPU: not every device has it, and large parts may cancel."""
    return x.detach().cpu().double()


class FrozenNorm:
    """``norm(x) = scale * gain * (x - mean) + bias``, where the mean is LayerNorm's alone.

    ``scale`` and ``pull`` compute in float64.

    Gain and bias are read off what the module gives for three inputs, so that it does not matter
    what its parameters are called, and whether 1 is added to its gain.
    """

    def __init__(self, norm: nn.Module, name: str, like: Tensor) -> None:
        """Read a norm.

        Args:
            norm: the module.
            name: of the module, for messages.
            like: an input of it [..., d_model], for its width, device and dtype.
        """
        width = like.shape[-1]
        ones = torch.ones(width, device=like.device, dtype=like.dtype)
        # no entry is zero and the mean is, so that LayerNorm takes nothing from it
        signs = ones.clone()
        signs[1::2] = -1
        if width % 2:
            signs[-2:] = -0.5
        with torch.no_grad():
            made = norm(torch.stack([0 * ones, ones, signs]))
        of_nothing, of_ones, of_signs = exact(made)
        self.name, self._within = name, precision_of(like.dtype).norm
        self.bias = of_nothing
        self.gain = (of_signs - of_nothing) / exact(signs)
        self.centres = torch.equal(of_ones, of_nothing)

    def scale(self, given: Tensor, made: Tensor) -> Tensor:
        """The number by which the norm multiplied each row [row], gain aside.

        Args:
            given: what went in [row, d_model].
            made: what came out.

        Raises:
            ExperimentError: the module is no such norm: what came out is no multiple.
        """
        held = self.gain * self._centred(exact(given))
        wanted = exact(made) - self.bias
        length = held.square().sum(-1)
        # a norm without gain gives nothing; what is not finite stays so
        scale = torch.where(length == 0, 0.0, (held * wanted).sum(-1) / length)
        off = (scale[:, None] * held - wanted).norm(dim=-1) / exact(made).norm(dim=-1)
        if (off > self._within).any():
            raise ExperimentError(
                f"{self.name} is neither an RMSNorm nor a LayerNorm: with its scale held it is off "
                f"by {off.max():.1%} of its length, so that no part of its input can be attributed"
            )
        return scale

    def pull(self, direction: Tensor, scale: Tensor) -> Tensor:
        """The direction before the norm that reads as ``direction`` does after it [row, d_model].

        Without the bias, which is no part of the input.
        """
        return self._centred(direction * self.gain) * scale[:, None]

    def _centred(self, x: Tensor) -> Tensor:
        return x - x.mean(-1, keepdim=True) if self.centres else x
