"""Two backends say the same."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import number
from pytest_interp.claims.verdict import Estimate, Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Floats, Result
from pytest_interp.results.tolerances import float_tolerance

FINDINGS = ("peak", "crossover_layer", "settled_layer", "top_token", "answer_rank")
"""Where a curve crosses or peaks may flip on a margin that is all rounding: the curve is compared
instead. A result may name further ones by their ``margins``."""
MAX_KL = {"float64": 1e-9, "float32": 1e-6, "float16": 1e-2, "bfloat16": 1e-2}
"""Nats. Logits of two orders of summation differ by about 1e-5 relatively in float32; a KL
divergence is of second order in that."""


def check_backends_agree(
    first: Any,
    second: Any,
    prompts: str | Sequence[str] | None = None,
    *,
    max_kl: float | None = None,
    atol: float | None = None,
) -> Verdict:
    """Check that two backends compute the same: distributions, or results of one experiment.

    Args:
        first: an adapter, or a result: a trace, a set of traces, a lens, or one of your own.
        second: the like, from the other backend.
        prompts: for adapters: texts on which the next-token distributions are compared, at every
            position.
        max_kl: for adapters: most KL divergence, in nats; by default set by the dtype.
        atol: for results: most difference of any number; by default set by the dtype.

    Raises:
        ClaimError: the two are not of one kind or not of two backends, or prompts are missing or
            of no use.
    """
    for name, limit in (("max_kl", max_kl), ("atol", atol)):
        if limit is not None and number(name, limit) < 0:
            raise ClaimError(f"{name}={limit!r}: give a limit of 0 or more")
    if isinstance(first, Result):
        if type(first) is not type(second) or prompts is not None:
            raise ClaimError(
                f"cannot compare {type(first).__name__} with {type(second).__name__}: give two "
                "results of one experiment (and no prompts), or two adapters and prompts"
            )
        backends = [one.provenance.backend if one.provenance else None for one in (first, second)]
        _must_be_two(backends)
        return _check_results(first, second, backends, atol)
    if not hasattr(first, "run") or not hasattr(second, "run") or not prompts:
        raise ClaimError(
            "give two results of one experiment, or two adapters and prompts to compare them on"
        )
    _must_be_two([first.backend, second.backend])
    return _check_adapters(
        first, second, [prompts] if isinstance(prompts, str) else list(prompts), max_kl
    )


assert_backends_agree = asserting(check_backends_agree)


def kl_divergence(first: Floats, second: Floats) -> Floats:
    """Kullback-Leibler divergence of next-token distributions, in nats; 0 where they are equal.

    Logits [..., vocabulary] to sum over the vocabulary of p * (log p - log q).
    """
    p, q = _log_softmax(first), _log_softmax(second)
    # rounding can leave a divergence of zero slightly negative
    found: Floats = np.maximum((np.exp(p) * (p - q)).sum(-1), 0.0)
    return found


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def _logits(adapter: Any, prompt: str) -> Floats:
    run = adapter.run(adapter.encode(prompt), logits="all")
    found: Floats = run.logits[0].double().cpu().numpy()
    return found


def _check_adapters(first: Any, second: Any, prompts: list[str], max_kl: float | None) -> Verdict:
    dtype = str(first.dtype).removeprefix("torch.")
    limit = MAX_KL.get(dtype, 1e-6) if max_kl is None else max_kl
    claim = (
        f"{first.name} under {first.backend} and under {second.backend} gives the same next-token "
        f"distributions (KL at most {limit:.3g})"
    )
    worst, where, argmax_changes = -1.0, "", 0
    for prompt in prompts:
        ids, others = first.encode(prompt).tolist(), second.encode(prompt).tolist()
        if ids != others:
            return _verdict(
                claim, False, f"{prompt!r} becomes other tokens: {ids} and {others}.", len(prompts)
            )
        a, b = _logits(first, prompt), _logits(second, prompt)
        divergence = kl_divergence(a, b)
        argmax_changes += int((a.argmax(-1) != b.argmax(-1)).sum())
        at = int(divergence.argmax())
        if not np.isfinite(divergence).all():
            return _verdict(claim, False, f"{prompt!r} gives logits that are not finite.", 1)
        if divergence[at] > worst:
            worst, where = float(divergence[at]), f"token {at} of {prompt!r}"
    return _verdict(
        claim,
        worst <= limit,
        f"The largest KL divergence is {worst:.3g}; the top token differs at {argmax_changes} "
        "positions.",
        len(prompts),
        Estimate(worst, worst, worst, where),
        limit,
    )


def _must_be_two(backends: Sequence[str | None]) -> None:
    if None in backends or len(set(backends)) < 2:
        found = " and ".join(str(name or "one without a provenance") for name in backends)
        raise ClaimError(
            f"two backends are compared, got {found}: run the same experiment under each of two"
        )


def _check_results(
    first: Result, second: Result, backends: Sequence[str | None], atol: float | None
) -> Verdict:
    a, b = first.to_json(), second.to_json()
    dtype = first.provenance.dtype if first.provenance else "float32"
    limit = float_tolerance(dtype).atol if atol is None else atol
    kind = a.get("kind", type(first).__name__)
    claim = f"{backends[0]} and {backends[1]} give the same {kind} (numbers within {limit:.3g})"
    n = len(first) if isinstance(first, Sized) else 1
    findings = {*FINDINGS, "margins", *a.get("margins", ())}
    numbers = set(first.tolerances()) & (a.keys() - findings)
    for name in sorted((a.keys() | b.keys()) - numbers - findings):
        if a.get(name) != b.get(name):
            return _verdict(claim, False, f"{name} is {a.get(name)!r} and {b.get(name)!r}.", n)
    worst, where = -1.0, ""
    for name in sorted(numbers):
        x, y = np.array(a[name], dtype=float), np.array(b[name], dtype=float)
        if x.shape != y.shape:
            return _verdict(claim, False, f"{name} has shape {x.shape} and {y.shape}.", n)
        if np.isnan(x).any() and (np.isnan(x) == np.isnan(y)).all():
            verdict = _verdict(claim, False, f"{name} is undefined under both backends.", n)
            return replace(verdict, status=Status.INCONCLUSIVE)
        # undefined in one alone is a difference
        found = float(np.nan_to_num(np.abs(x - y), nan=np.inf).max(initial=0.0))
        if found > worst:
            worst, where = found, name
    differing = [name for name in sorted(findings & a.keys() - {"margins"}) if a[name] != b[name]]
    note = f" Differing within that: {', '.join(differing)}." if differing else ""
    return _verdict(
        claim,
        worst <= limit,
        f"The largest difference is {worst:.3g}, in {where}.{note}",
        n,
        Estimate(worst, worst, worst, where),
        limit,
    )


def _verdict(
    claim: str,
    holds: bool,
    sentence: str,
    n: int,
    effect: Estimate | None = None,
    limit: float | None = None,
) -> Verdict:
    return Verdict(
        claim=claim,
        status=Status.PASSED if holds else Status.FAILED,
        sentence=sentence,
        n_prompts=n,
        n_clusters=1,
        effect=effect,
        threshold=limit,
        margin=None if effect is None or limit is None else limit - effect.value,
    )
