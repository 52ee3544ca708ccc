"""A claim about one number of a result: at least this, at most that, exactly so."""

from __future__ import annotations

import inspect
import math
from dataclasses import fields, is_dataclass, replace
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from pytest_interp.claims.verdict import Estimate, Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Result
from pytest_interp.results.claimed import ClaimedRange
from pytest_interp.results.crossover import CrossoverLayer, NeverReached, ReachedLayer

_ONE_VALUE = int | float | str | CrossoverLayer


class Bound(BaseModel):
    """What one number, or one text, must be."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    at_most: float | None = None
    at_least: float | None = None
    equals: int | float | str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        numeric = self.at_most is not None or self.at_least is not None
        if numeric == (self.equals is not None):
            raise ValueError("give at_least, at_most or both; or equals")
        return self


def check_bound(result: Result, attribute: str, bound: Bound) -> Verdict:
    """Check that one attribute of a result is within the bound; undefined is inconclusive."""
    value = value_of(result, attribute)
    words = _in_words(bound)
    verdict = Verdict(
        claim=f"{attribute} is {words}",
        status=Status.INCONCLUSIVE,
        sentence=f"{attribute} is undefined here",
        n_prompts=1,
        n_clusters=1,
    )
    if value is None:
        return verdict
    if isinstance(value, float) and not math.isfinite(value):
        return replace(verdict, sentence=f"{attribute} is undefined here: {value:g}")
    holds, number = _holds(value, bound), isinstance(value, int | float)
    limits = [b for b in (bound.at_least, bound.at_most) if b is not None]
    threshold = min(limits, key=lambda limit: abs(value - limit)) if limits and number else None
    curve = value.explain() if isinstance(value, CrossoverLayer) and not holds else []
    return replace(
        verdict,
        status=Status.PASSED if holds else Status.FAILED,
        sentence=f"{attribute} is {_shown(value)}, and is claimed to be {words}",
        effect=Estimate(float(value), float(value), float(value), attribute) if number else None,
        threshold=threshold,
        margin=None if threshold is None else abs(value - threshold) * (1 if holds else -1),
        ranges=_ranges(attribute, value, bound) if isinstance(value, CrossoverLayer) else (),
        details="\n".join(f"  {line}" for line in curve),
    )


def _ranges(attribute: str, value: CrossoverLayer, bound: Bound) -> tuple[ClaimedRange, ...]:
    """The layers that were read and are within the bound."""
    layers = value.lens.layers
    inside = [layer for layer in layers if _holds(ReachedLayer(layer, value.lens), bound)]
    return (ClaimedRange(attribute, inside[0], inside[-1]),) if inside else ()


def value_of(result: Result, attribute: str) -> Any:
    """An attribute, dots included; None where a part of the way is None."""
    value: Any = result
    way: list[str] = []
    for part in attribute.split("."):
        if value is None:
            return None
        if isinstance(value, _ONE_VALUE):
            found = ".".join(way)
            raise ClaimError(
                f"{found!r} is one value, {_shown(value)}: write {found!r}, not {attribute!r}"
            )
        if not hasattr(value, part):
            raise ClaimError(f"{type(value).__name__} has no {part!r}: {_attributes_text(value)}")
        way.append(part)
        value = getattr(value, part)
        if isinstance(value, np.generic):
            value = value.item()
    if not isinstance(value, _ONE_VALUE | None):
        raise ClaimError(
            f"{attribute!r} is a {type(value).__name__}, and a bound takes one number or text: "
            f"{_attributes_text(result)}"
        )
    return value


def attributes_of(kind: type[Any]) -> set[str]:
    """Names of the fields and properties of a result's class."""
    properties = {name for name, _ in inspect.getmembers(kind, lambda m: isinstance(m, property))}
    own = {field.name for field in fields(kind)} if is_dataclass(kind) else set()
    return {name for name in properties | own if not name.startswith("_")}


def _attributes_text(value: Any) -> str:
    return f"choose one of {', '.join(sorted(attributes_of(type(value)))) or 'its attributes'}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _in_words(bound: Bound) -> str:
    if bound.equals is not None:
        return f"exactly {bound.equals!r}"
    limits = {"at least": bound.at_least, "at most": bound.at_most}
    return " and ".join(f"{s} {limit:g}" for s, limit in limits.items() if limit is not None)


def _holds(value: Any, bound: Bound) -> bool:
    if isinstance(value, NeverReached):
        return False
    if bound.equals is not None:
        return bool(value == bound.equals)
    if not isinstance(value, int | float):
        return False
    above = bound.at_least is None or value >= bound.at_least
    return above and (bound.at_most is None or value <= bound.at_most)
