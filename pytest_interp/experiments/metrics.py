"""What is measured at the last position of a run: one number a row."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from pytest_interp.errors import UnknownNameError

Metric = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits [row, vocabulary], answer ids [row], counterfactual ids [row]) -> values [row]."""


def logit_diff(logits: Tensor, answer: Tensor, counterfactual: Tensor) -> Tensor:
    """Logit of the answer minus logit of the counterfactual answer.

    Any real number, in logits; positive where the answer is preferred. Continuous and roughly
    linear in the residual stream, hence the default (Zhang and Nanda 2023, arXiv 2309.16042).
    """
    wide = logits.float()
    picked = wide.gather(1, answer[:, None]) - wide.gather(1, counterfactual[:, None])
    return picked.squeeze(1)


def answer_prob(logits: Tensor, answer: Tensor, counterfactual: Tensor) -> Tensor:
    """Probability of the answer over the whole vocabulary, in [0, 1].

    Hides components that lower the answer (Zhang and Nanda 2023).
    """
    return logits.float().softmax(-1).gather(1, answer[:, None]).squeeze(1)


METRICS: dict[str, Metric] = {"logit_diff": logit_diff, "answer_prob": answer_prob}


def metric_of(name: str) -> Metric:
    """The metric of this name.

    Raises:
        UnknownNameError: there is none.
    """
    try:
        return METRICS[name]
    except KeyError:
        raise UnknownNameError.of("metric", name, METRICS) from None
