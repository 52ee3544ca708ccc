"""The claims that are asked about one planted circuit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from benchmarks.calibration.circuit_oracle import CircuitOracle, limits
from benchmarks.calibration.oracle import Claim
from pytest_interp.adapters import ModelAdapter
from pytest_interp.adapters.components import Component
from pytest_interp.claims import check_ablation_drops, check_survives_ablation
from pytest_interp.experiments import ablate

Asked = tuple[str, bool | None, object]


def circuit_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Claim]:
    """All claims of one backend; those of which the truth does not say whether they hold left out."""
    for text, true, check in _every_claim(oracle, adapter):
        if true is not None:
            yield text, true, check


def _every_claim(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[tuple]:
    yield from ablation_claims(oracle, adapter)


def sets_of(oracle: CircuitOracle) -> dict[str, tuple[Component, ...]]:
    """Each part, each pair of parts, and some of the distractors, by name."""
    roles = oracle.roles
    found = {role: (component,) for role, component in roles.items()}
    for one, other in itertools.combinations(roles, 2):
        found[f"{one} and {other}"] = (roles[one], roles[other])
    found["a distractor"] = tuple(oracle.distractors("head")[-1:])
    found["distracting heads"] = tuple(oracle.distractors("head"))
    found["distracting MLPs"] = tuple(oracle.distractors("mlp_out"))
    return found


def ablation_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[tuple]:
    """What the model needs, and what it does without."""
    reference, sets = oracle.model.reference, sets_of(oracle)
    for kind, prompts in (("zero", ()), ("mean", reference), ("resample", reference[:1])):
        found = ablate(
            adapter, oracle.facts, sets=sets, kind=kind, reference=list(prompts) or None, draws=1
        )
        for name, components in sets.items():
            left = oracle.over(lambda t, c=components, k=kind, p=prompts: t.ablated(c, k, p))
            fall = oracle.clean - left
            for limit in limits(float(fall.mean()), 1.0):
                if limit > 0:
                    yield (
                        f"without {_kind_of(name)} the logit difference falls ({kind})",
                        oracle.at_least(fall, limit),
                        lambda n=name, f=found, x=limit: check_ablation_drops(
                            f, n, at_least=x, unit="metric"
                        ),
                    )
            kept, unit = left / oracle.clean.mean(), 1 / oracle.clean.mean()
            for limit in (0.9, *limits(float(kept.mean()), unit)):
                if limit > 0:
                    yield (
                        f"without {_kind_of(name)} the logit difference is kept ({kind})",
                        oracle.at_least(kept, limit, oracle.near * unit),
                        lambda n=name, f=found, x=limit: check_survives_ablation(f, n, keeps=x),
                    )


def _kind_of(name: str) -> str:
    if "distract" in name:
        return name
    return "two parts" if " and " in name else "a part"
