"""How far numbers may lie apart for rounding alone, by dtype: the one table of such limits.

Measured on the CPU by ``python -m benchmarks.precision``, on tiny random models of five
architectures, three planted ones and SmolLM2 (``docs/backends.md`` has the numbers). Two orders of
summation in one dtype differed by at most

========  ============  =======  =======
dtype     activations   logits   KL
========  ============  =======  =======
float32   6.5e-6        2.9e-6   1.5e-13
float16   9.1e-4        5.2e-4   6.3e-7
bfloat16  9.1e-3        5.3e-3   8.1e-5
========  ============  =======  =======

as shares of the largest entry, and in nats. The limits leave room for other machines, whose kernels
sum in yet other orders. A wrong place is off by about 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Precision:
    """The limits of one dtype."""

    activations: float
    """Two ways to an activation, or to logits: the largest difference, as a share of the largest
    entry."""
    numbers: float
    """A number of a result, between two machines: so much, and so large a share of itself."""
    ranks: float
    """The rank of a token, between two machines: so large a share of itself. Measured deep in the
    tail of a vocabulary: 18 % in bfloat16."""
    kl: float
    """Two next-token distributions, in nats: of second order in the logits."""
    parts: float
    """The parts of a logit difference and their sum, as a share of the sum of their sizes. A part
    that is left out moves it by its size. Norms of models in float64 compute in float32 in part."""
    norm: float
    """The output of a norm and that of the linear map that it is for one input, as a share of its
    length. For float64 as above."""
    heads: float
    """The sum of all heads and what attention gives, as a share of its length."""


PRECISIONS = {
    "float64": Precision(1e-9, 1e-6, 0.2, 1e-9, 1e-6, 1e-6, 1e-9),
    "float32": Precision(1e-4, 1e-3, 0.2, 1e-6, 1e-4, 1e-4, 1e-4),
    "float16": Precision(1e-2, 3e-2, 0.5, 1e-5, 3e-2, 1e-2, 1e-2),
    "bfloat16": Precision(5e-2, 1e-1, 0.5, 1e-3, 1e-1, 3e-2, 3e-2),
}
"""By the name of the dtype."""


def precision_of(dtype: object) -> Precision:
    """The limits for a dtype, given by its name or as torch has it; for others those of float32."""
    name = str(dtype).removeprefix("torch.")
    return PRECISIONS.get(name, PRECISIONS["float32"])
