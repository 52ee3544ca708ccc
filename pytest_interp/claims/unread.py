"""Checks, and the verdicts that they gave and nobody has looked at yet.

``check_this(...)`` where ``assert_this(...)`` was meant says nothing, whatever it found. Inside of
:func:`noting` each verdict that a check gives is kept until something of it is read. Elsewhere
nothing is kept.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, ParamSpec

from pytest_interp.errors import ClaimError
from pytest_interp.provenance import Provenance

if TYPE_CHECKING:
    from pytest_interp.claims.verdict import Verdict

P = ParamSpec("P")


class Given(NamedTuple):
    """A verdict, and the line that asked for it."""

    verdict: Verdict
    """Held, so that no later one has its id."""
    path: str
    line: int


Unread = dict[int, Given]
"""By their ids, the verdicts that were given."""
_unread: ContextVar[Unread | None] = ContextVar("pytest_interp_unread", default=None)


@contextmanager
def noting(unread: Unread | None) -> Iterator[None]:
    """Keep in ``unread`` what checks give inside this block, as long as nobody looks at it.

    With None nothing is kept.
    """
    token = _unread.set(unread)
    try:
        yield
    finally:
        _unread.reset(token)


def look_at(verdict: Verdict) -> None:
    """Note that something of a verdict is read."""
    if unread := _unread.get():
        unread.pop(id(verdict), None)


def checking(check: Callable[P, Verdict]) -> Callable[P, Verdict]:
    """Decorate a check: pytest warns where a test does not look at its verdict.

    A verdict that names no model gets the models and backends of the results among the arguments.
    """

    @functools.wraps(check)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Verdict:
        __tracebackhide__ = True
        try:
            verdict = check(*args, **kwargs)
        except TypeError:
            _check_arguments(check, args, kwargs)
            raise
        if not verdict.models and (made := [*_provenances([*args, *kwargs.values()])]):
            verdict = replace(
                verdict,
                models=tuple(dict.fromkeys(one.model for one in made)),
                backends=tuple(dict.fromkeys(one.backend for one in made)),
            )
        unread = _unread.get()
        if unread is not None:
            unread[id(verdict)] = Given(verdict, *_caller())
        return verdict

    return checked


def _check_arguments(
    check: Callable[..., Verdict], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> None:
    """Raise a ClaimError where a check cannot be called with these."""
    signature = inspect.signature(check)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        takes = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        raise ClaimError(
            f"the claim {check.__name__.removeprefix('check_')}: {error}. "
            f"It takes {', '.join(takes)}"
        ) from None


def _provenances(things: Iterable[object]) -> Iterator[Provenance]:
    for thing in things:
        if isinstance(thing, list | tuple):
            yield from _provenances(thing)
        elif isinstance(made := getattr(thing, "provenance", None), Provenance):
            yield made


def _caller() -> tuple[str, int]:
    """File and line of the nearest frame outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("pytest_interp."):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
