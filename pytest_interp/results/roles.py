"""What a token is to its fact, and the effect at such tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Floats

if TYPE_CHECKING:
    from pytest_interp.results.trace import TraceResult

Role = Literal[
    "before", "subject", "subject_first", "subject_last", "subject_rest", "between", "last"
]
"""What a token is to a fact. ``subject_rest`` is the subject without its last token; ``between``
lies after the subject and before the last token."""


def role_positions(trace: TraceResult, role: str | int) -> tuple[int, ...]:
    """Token positions of a role, or of an index; negative indices count from the end.

    Raises:
        ClaimError: the prompt has no such position, or the role is unknown.
    """
    n, subject = trace.n_positions, trace.subject_positions
    if isinstance(role, int):
        if not -n <= role < n:
            raise ClaimError(
                f"position {role} is outside of the prompt, which has {n} tokens "
                f"{list(trace.str_tokens)}"
            )
        return (role % n,)
    roles: dict[str, tuple[int, ...]] = {
        # what comes before the first corrupted token is the same in both runs
        "before": tuple(range(min(trace.corrupted_positions), subject[0])),
        "subject": subject,
        "subject_first": subject[:1],
        "subject_last": subject[-1:],
        "subject_rest": subject[:-1],
        "between": tuple(range(subject[-1] + 1, n - 1)),
        "last": (n - 1,),
    }
    if role not in roles:
        raise ClaimError(f"unknown position {role!r}: use {', '.join(roles)} or a token index")
    return roles[role]


def role_effect(trace: TraceResult, role: str | int, *, either_way: bool = False) -> Floats:
    """Effect of the best single token of a role [layer]; NaN where the role has no token.

    One cell is patched at a time, so "the subject" is its strongest token at each layer: a fact
    that needs two tokens at once shows on neither. With ``either_way`` the strongest token is the
    one furthest from 0, on whichever side.
    """
    positions = list(role_positions(trace, role))
    if not positions:
        return np.full(len(trace.layers), np.nan)
    effects = trace.effect[:, positions]
    # where a number is NaN, both name it
    best = np.argmax(np.abs(effects) if either_way else effects, axis=1)
    found: Floats = np.take_along_axis(effects, best[:, None], axis=1)[:, 0]
    return found
