"""Claims about one planted circuit: where heads look, and what they write."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.calibration.circuit_oracle import Asked, CircuitOracle, beside
from pytest_interp.adapters import ModelAdapter
from pytest_interp.claims import (
    check_attends,
    check_direct_effect,
    check_duplicate_token_head,
    check_induction_head,
    check_previous_token_head,
)
from pytest_interp.experiments import (
    attention_patterns,
    direct_logit_attribution,
    induction_scores,
)
from pytest_interp.planted.induction import DUPLICATE, INDUCTION, PREVIOUS

COPY = 14
"""Words of a random sequence."""


def head_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    """All of them."""
    yield from _direct_effects(oracle, adapter)
    yield from _attention(oracle, adapter)
    if PREVIOUS in oracle.roles:
        yield from _scores(oracle, adapter)


def _direct_effects(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    found = direct_logit_attribution(adapter, oracle.facts)
    asked = [*oracle.roles.values(), *oracle.distractors("head")[:2]]
    asked += oracle.distractors("mlp_out")[:1]
    for part in asked:
        stated = oracle.over(lambda truth, c=part: truth.direct_effect(c))
        whole = stated / oracle.clean.mean()
        for limit in beside(stated, 1.0):
            yield (
                "adds at least so much itself",
                oracle.at_least(stated, limit) and _speaks(stated),
                lambda c=part, x=limit: check_direct_effect(found, c, at_least=x),
            )
            yield (
                "adds at most so much itself",
                oracle.at_least(-stated, -limit) and _speaks(stated),
                lambda c=part, x=limit: check_direct_effect(found, c, at_most=x),
            )
        for share in (0.25, 0.9):
            yield (
                "adds such a share itself",
                oracle.at_least(whole, share, oracle.near / oracle.clean.mean()),
                lambda c=part, x=share: check_direct_effect(found, c, share=x),
            )


def _speaks(stated: np.ndarray) -> bool | None:
    """None of a part that adds nothing: whether it says more of one prompt is left open."""
    return True if abs(stated.mean()) > 1 else None


def _attention(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    found = attention_patterns(adapter, oracle.facts)
    last = len(oracle.truths[0].clean) - 1
    for head in oracle.roles.values():
        if head.kind != "head":
            continue
        stated = np.array([truth.pattern(head)[last] for truth in oracle.truths])
        if np.isnan(stated).any():
            continue
        for key in range(last + 1):
            for limit in (0.5, 0.9):
                # of a head that looks there on some prompts alone the mean is what is claimed
                yield (
                    "the last token looks there",
                    oracle.at_least(stated[:, key], limit, 0.05),
                    lambda h=head, k=key, x=limit: check_attends(found, h, "last", k, at_least=x),
                )


def _scores(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    checks = {
        INDUCTION: check_induction_head,
        PREVIOUS: check_previous_token_head,
        DUPLICATE: check_duplicate_token_head,
    }
    named = {str(component): role for role, component in oracle.roles.items()}
    heads = [*named, *map(str, oracle.distractors("head")[::3])]
    for bos in (True, False):
        scores = induction_scores(adapter, n=6, length=COPY, seed=1, bos=bos)
        for head in heads:
            for role, check in checks.items():
                for least in (0.4, 0.9):
                    yield (
                        f"is a {role} head",
                        named.get(head) == role,
                        lambda h=head, c=check, s=scores, x=least: c(s, h, at_least=x),
                    )
