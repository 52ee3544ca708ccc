"""Claims by the names that spec files use."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from pytest_interp.errors import ClaimError
from pytest_interp.registry import Registry

F = TypeVar("F", bound=Callable[..., Any])


def register_claim(name: str, *, replace: bool = False) -> Callable[[F], F]:
    """Decorate a claim: spec files may then use it under this name.

    Its first argument is the result, the others become the keys. It is a ``check_*``, which returns
    a :class:`~pytest_interp.claims.Verdict`; or an ``assert_*``, which raises where the claim does
    not hold, by plain asserts if you like. Other packages name their claims by entry points in the
    group ``pytest_interp.claims``.

    Args:
        name: the key in spec files.
        replace: take the place of the claim that has this name.

    Raises:
        InterpError: the name is taken.
        ClaimError: the object is not a function that takes a result.
    """

    def register(function: F) -> F:
        CLAIMS.add(name, _claim(name, function), replace=replace)
        return function

    return register


def _claim(name: str, function: Any) -> Callable[..., Any]:
    if not inspect.isroutine(function) or not inspect.signature(function).parameters:
        raise ClaimError(
            f"{getattr(function, '__qualname__', function)!s} cannot be the claim {name!r}: write "
            "a function whose first argument is the result, and whose others are its keys"
        )
    return cast(Callable[..., Any], function)


CLAIMS: Registry[Callable[..., Any]] = Registry(
    "claim",
    built_in=tuple(
        f"pytest_interp.claims.{name}"
        for name in (
            *("localized", "effects", "crystallises"),
            *("decodable", "steering", "useful", "trajectories"),
            *("estimates", "paths"),
            *("ablations", "circuits"),
            *("attribution", "attention", "head_scores", "heads"),
        )
    ),
    accept=_claim,
)
