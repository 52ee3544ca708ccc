"""How far two next-token distributions are apart."""

from __future__ import annotations

from typing import cast

import numpy as np

from pytest_interp.stats.clusters import Floats


def kl_divergence(first: Floats, second: Floats) -> Floats:
    """Kullback-Leibler divergence of next-token distributions, in nats; 0 where they are equal.

    Logits [..., vocabulary] to sum over the vocabulary of p * (log p - log q) [...].
    """
    from scipy.special import log_softmax

    p, q = log_softmax(first, axis=-1), log_softmax(second, axis=-1)
    # scipy.special.rel_entr takes probabilities, and is infinite where a tiny q is rounded to 0;
    # rounding can leave a divergence of zero slightly negative
    return cast(Floats, np.maximum((np.exp(p) * (p - q)).sum(-1), 0.0))
