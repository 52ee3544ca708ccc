"""Two backends agree.

Both run the same modules of Hugging Face with the same weights and the same token ids. A mistake
in the model's own code is in both, and agreement is no evidence against it.

Agreement tests what each backend adds: that a hook is at the place that a site names, that hooks
fire in order, how outputs that are tuples are read and written, that an edit reaches all that
comes after it, how attention is split into heads, and what a library computes anew (as
TransformerLens does the attention of GPT-2). It does not test what both share: the tokenizer, the
``embed`` site, the prefix of a blocked sweep, what several labelled prompts begin with, the
experiments, and the numbers that are derived from logits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import number
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Estimate, Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.precision import precision_of
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Floats, Ints, Result, dtype_of
from pytest_interp.results.findings import deciding_moves
from pytest_interp.results.tolerances import EXACT, Tolerance, float_tolerance
from pytest_interp.stats import kl_divergence


@checking
def check_backends_agree(
    first: Any,
    second: Any,
    prompts: str | Iterable[str] | None = None,
    *,
    max_kl: float | None = None,
    atol: float | None = None,
) -> Verdict:
    """Check that two backends compute the same: distributions, or results of one experiment.

    Args:
        first: an adapter, or a result: a trace, a set of traces, a lens, or one of your own.
        second: the same kind of thing, from the other backend.
        prompts: for adapters: texts on which the next-token distributions are compared, at every
            position.
        max_kl: for adapters: the largest KL divergence, in nats; the dtype sets the default.
        atol: for results: the largest difference of any number; the dtype sets the default.

    Raises:
        ClaimError: the two are not of one kind, not of two backends or not of one model, or there
            is nothing to compare: no prompts, or results that name no number in their tolerances.
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
        _must_be_one_model("results", [one.provenance for one in (first, second)])
        return _check_results(first, second, backends, atol)
    texts = [prompts] if isinstance(prompts, str) else list(prompts or ())
    if not hasattr(first, "run") or not hasattr(second, "run") or not any(texts):
        raise ClaimError(
            "give two results of one experiment, or two adapters and prompts to compare them on; "
            "no prompts would be agreement on nothing"
        )
    _must_be_two([first.backend, second.backend])
    _must_be_one_model("adapters", [one.provenance() for one in (first, second)])
    return _check_adapters(first, second, texts, max_kl)


assert_backends_agree = asserting(check_backends_agree)


def _check_adapters(first: Any, second: Any, prompts: list[str], max_kl: float | None) -> Verdict:
    limit = precision_of(first.dtype).kl if max_kl is None else max_kl
    claim = (
        f"{first.name} under {first.backend} and under {second.backend} gives the same next-token "
        f"distributions (KL at most {limit:.3g})"
    )
    differ = partial(
        Verdict,
        claim,
        Status.FAILED,
        n_prompts=len(prompts),
        n_clusters=1,
        models=tuple(dict.fromkeys([first.name, second.name])),
        backends=(first.backend, second.backend),
    )
    worst, where, argmax_changes = -1.0, "", 0
    for prompt in prompts:
        ids = [one.encode(prompt) for one in (first, second)]
        if ids[0].tolist() != ids[1].tolist():
            return differ(
                f"{prompt!r} becomes other tokens: {ids[0].tolist()} and {ids[1].tolist()}."
            )
        a, b = (
            one.run(tokens, logits="all").logits[0].double().cpu().numpy()
            for one, tokens in zip((first, second), ids, strict=True)
        )
        divergence = kl_divergence(a, b)
        argmax_changes += int((_top(a) != _top(b)).sum())
        if not np.isfinite(divergence).all():
            return differ(f"{prompt!r} gives logits that are not finite.")
        at = int(divergence.argmax())
        if divergence[at] > worst:
            worst, where = float(divergence[at]), f"token {at} of {prompt!r}"
    sentence = (
        f"The largest KL divergence is {worst:.3g}; the top token differs at {argmax_changes} "
        "positions."
    )
    return _measured(differ(sentence), worst, where, limit)


def _top(logits: Floats) -> Ints:
    """The top token at each position of logits [position, vocabulary]; -1 where none leads."""
    leads = (logits == logits.max(-1, keepdims=True)).sum(-1) == 1
    found: Ints = np.where(leads, logits.argmax(-1), -1)
    return found


def _must_be_two(backends: Sequence[str | None]) -> None:
    if None in backends or len(set(backends)) < 2:
        found = " and ".join(str(name or "one without a provenance") for name in backends)
        raise ClaimError(
            f"two backends are compared, got {found}: run the same experiment under each of two"
        )


def _must_be_one_model(what: str, provenances: Sequence[Provenance | None]) -> None:
    for name in ("fingerprint", "dtype"):
        found = [getattr(one, name) for one in provenances]
        if found[0] != found[1]:
            raise ClaimError(
                f"the two {what} are not of one model: their {name} is {found[0]!r} and "
                f"{found[1]!r}. Run the same weights in the same dtype under each backend"
            )


def _check_results(
    first: Result, second: Result, backends: Sequence[str | None], atol: float | None
) -> Verdict:
    a, b = first.to_json(), second.to_json()
    limit = float_tolerance(dtype_of(first)).atol if atol is None else atol
    kind = a.get("kind", type(first).__name__)
    claim = f"{backends[0]} and {backends[1]} give the same {kind} (numbers within {limit:.3g})"
    n = len(first) if isinstance(first, Sized) else 1
    differ = partial(Verdict, claim, Status.FAILED, n_prompts=n, n_clusters=1)
    unsure = partial(Verdict, claim, Status.INCONCLUSIVE, n_prompts=n, n_clusters=1)
    findings = {name: d for name, d in first.findings().items() if name in a}
    # what decides a finding from inside of a mapping repeats numbers that are compared themselves
    repeats = {d.by.split(".")[0] for d in findings.values() if "." in d.by}
    measured = {name.split(".")[0] for name in first.tolerances()} - findings.keys() - repeats
    for name in sorted((a.keys() | b.keys()) - {*measured, *findings, *repeats}):
        if a.get(name) != b.get(name):
            return differ(f"{name} is {a.get(name)!r} and {b.get(name)!r}.")
    worst, where = -1.0, ""
    for name in sorted(measured & a.keys()):
        pairs = [(x, y) for _, x, y in _pairs((name,), a[name], b.get(name))]
        if any(isinstance(value, list | dict) for pair in pairs for value in pair):
            return differ(f"{name} has two shapes.")
        # None under both was not measured; under one alone it is undefined there
        pairs = [pair for pair in pairs if pair != (None, None)]
        numbers = np.array(pairs, dtype=float).reshape(-1, 2)
        undefined = ~np.isfinite(numbers)
        if undefined.any() and (undefined[:, 0] == undefined[:, 1]).all():
            return unsure(f"{name} is undefined under both backends.")
        off = np.full(len(numbers), math.inf)  # undefined in one alone
        sure = ~undefined.any(1)
        off[sure] = np.abs(numbers[sure, 0] - numbers[sure, 1])
        largest = float(off.max(initial=-1))
        if largest > worst:
            worst, where = largest, name
    arrays = first.measured_arrays(), second.measured_arrays()
    for name in sorted(arrays[0].keys() | arrays[1].keys()):
        x, y = (np.asarray(one.get(name, ()), dtype=float) for one in arrays)
        if x.shape != y.shape:
            return differ(f"{name} has two shapes.")
        # where both are undefined, as at the end of a shorter prompt, there is nothing to compare
        there = np.isfinite(x) | np.isfinite(y)
        largest = float(np.nan_to_num(np.abs(x[there] - y[there]), nan=math.inf).max(initial=-1))
        if largest > worst:
            worst, where = largest, name
    if not where:
        raise ClaimError(
            f"the results of {kind} hold no number to compare: name what was measured in "
            f"{type(first).__name__}.tolerances()"
        )
    flipped: dict[str, None] = {}
    nowhere: list[str] = []
    for name, decision in sorted(findings.items()):
        pairs_of = list(_pairs((name,), a[name], b.get(name)))
        near = first.tolerances().get(name, EXACT)
        if len(pairs_of) > 1 and all(_apart(x, y, near) for _, x, y in pairs_of):
            nowhere.append(name)
        for path, x, y in pairs_of:
            if x == y:
                continue
            flipped[name] = None
            moves = deciding_moves(path, decision, a, b)
            # one with a tolerance, as a rank, may move by it where nothing that decides it flipped
            excused = bool(moves) or not _apart(x, y, near)
            if worst <= limit and not (excused and all(abs(v - u) <= limit for _, u, v in moves)):
                place = ".".join(map(str, path))
                return differ(
                    f"{place} is {x!r} and {y!r}; {decision.by}, which decides it, is no reason."
                )
    if nowhere and worst <= limit:
        # each may be rounding by itself; all at once they are agreement on nothing
        return unsure(f"{nowhere[0]} agrees nowhere, and what decides it is all within rounding.")
    so = "within that" if worst <= limit else "as well"
    note = f" Differing {so}: {', '.join(flipped)}." if flipped else ""
    verdict = differ(f"The largest difference is {worst:.3g}, in {where}.{note}")
    return _measured(verdict, worst, where, limit)


def _apart(x: Any, y: Any, near: Tolerance) -> bool:
    """Whether two entries of a finding differ by more than its own tolerance."""
    numbers = all(isinstance(one, int | float) for one in (x, y))
    return bool(abs(y - x) > near.allowed(x)) if numbers else bool(x != y)


def _pairs(path: tuple[str | int, ...], x: Any, y: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Values at the same path of two JSON values; whole lists and mappings where shapes differ."""
    if isinstance(x, dict) and isinstance(y, dict) and x.keys() == y.keys():
        for key in x:
            yield from _pairs((*path, key), x[key], y[key])
    elif isinstance(x, list) and isinstance(y, list) and len(x) == len(y):
        for i, pair in enumerate(zip(x, y, strict=True)):
            yield from _pairs((*path, i), *pair)
    else:
        yield path, x, y


def _measured(verdict: Verdict, worst: float, where: str, limit: float) -> Verdict:
    """The verdict that the largest difference decides."""
    status = Status.PASSED if worst <= limit else Status.FAILED
    effect, margin = Estimate(worst, worst, worst, where), limit - worst
    return replace(verdict, status=status, effect=effect, threshold=limit, margin=margin)
