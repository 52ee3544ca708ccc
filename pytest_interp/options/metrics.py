"""What is measured at the last position of a run: one number per row. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import InterpError
from pytest_interp.facts.known import LEAST_GAP
from pytest_interp.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Metric:
    """A number that says how much a run behaves like the clean one."""

    name: str
    function: Callable[[Tensor, Tensor, Tensor], Tensor]
    """(logits [row, vocabulary], answer ids [row], counterfactual ids [row]) -> values [row]."""
    unit: str
    least_gap: float
    """The least difference between clean and corrupt that can be measured, in the unit."""
    bounds: tuple[float, float] | None = None
    """Between which all values lie; None where there are no bounds."""

    def __call__(self, logits: Tensor, answer: Tensor, counterfactual: Tensor) -> Tensor:
        return self.function(logits, answer, counterfactual)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            lambda name: metric_of(name, ValueError),
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": METRICS.names()}


def _accept(name: str, thing: Any) -> Metric:
    if not isinstance(thing, Metric):
        raise InterpError(f"a metric is a Metric, got a {type(thing).__name__}")
    return thing


METRICS: Registry[Metric] = Registry("metric", accept=_accept)


def register_metric(metric: Metric, *, replace: bool = False) -> Metric:
    """Add a metric: traces may then ask for it by its name.

    Raises:
        InterpError: the name is taken.
    """
    return METRICS.add(metric.name, metric, replace=replace)


def metric_of(metric: str | Metric, error: type[Exception] | None = None) -> Metric:
    """The metric of this name, or the metric itself.

    Raises:
        UnknownNameError: there is none. With ``error``, that.
    """
    return metric if isinstance(metric, Metric) else METRICS.find(metric, error)


def _logit_diff(logits: Tensor, answer: Tensor, counterfactual: Tensor) -> Tensor:
    wide = logits.float()
    picked = wide.gather(1, answer[:, None]) - wide.gather(1, counterfactual[:, None])
    return picked.squeeze(1)


def _answer_prob(logits: Tensor, answer: Tensor, counterfactual: Tensor) -> Tensor:
    return logits.float().softmax(-1).gather(1, answer[:, None]).squeeze(1)


LOGIT_DIFF = register_metric(Metric("logit_diff", _logit_diff, "logits", LEAST_GAP))
"""Logit of the answer minus logit of the counterfactual answer.

Any real number; positive where the answer is preferred. It is continuous and roughly linear in the
residual stream, hence the default (Zhang and Nanda 2023, arXiv 2309.16042)."""
ANSWER_PROB = register_metric(
    Metric("answer_prob", _answer_prob, "probability", least_gap=0.1, bounds=(0.0, 1.0))
)
"""Probability of the answer over the whole vocabulary.

It hides components that lower the answer (Zhang and Nanda 2023)."""
