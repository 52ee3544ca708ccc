"""The claims that are asked about one planted circuit: by ablation, and all others together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from benchmarks.calibration.circuit_head_claims import head_claims
from benchmarks.calibration.circuit_oracle import Asked, CircuitOracle, beside
from benchmarks.calibration.circuit_patch_claims import patch_claims
from benchmarks.calibration.circuit_path_claims import path_claims
from benchmarks.calibration.circuit_set_claims import set_claims
from benchmarks.calibration.oracle import Claim
from pytest_interp.adapters import ModelAdapter
from pytest_interp.adapters.components import Component
from pytest_interp.claims import check_ablation_drops, check_survives_ablation
from pytest_interp.experiments import ablate


def circuit_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Claim]:
    """All claims of one backend of which the truth says whether they hold."""
    for claims in (ablation_claims, head_claims, patch_claims, path_claims, set_claims):
        for text, true, check in claims(oracle, adapter):
            if true is not None:
                yield text, true, check


def sets_of(oracle: CircuitOracle) -> dict[str, tuple[Component, ...]]:
    """Each part, what may stand in for another, and the distractors, by name."""
    roles = oracle.roles
    found = {role: (component,) for role, component in roles.items()}
    names = list(roles)
    for one, other in itertools.pairwise(names):
        found[f"{one} and {other}"] = (roles[one], roles[other])
    if "backup" in roles:
        found["name mover and backup"] = (roles["name mover"], roles["backup"])
    found["distracting heads"] = tuple(oracle.distractors("head"))
    found["distracting MLPs"] = tuple(oracle.distractors("mlp_out"))
    return found


def ablation_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    """What the model needs, and what it does without."""
    reference, sets = oracle.model.reference, sets_of(oracle)
    whole = float(oracle.clean.mean())
    for kind, prompts in (("zero", ()), ("mean", reference)):
        found = ablate(adapter, oracle.facts, sets=sets, kind=kind, reference=list(prompts) or None)
        for name, components in sets.items():
            what = _kind_of(name)
            left = oracle.left(components, kind)
            fall = oracle.clean - left
            for limit in beside(fall, 1.0):
                if limit > 0:
                    yield (
                        f"without {what} the logit difference falls by so much ({kind})",
                        oracle.at_least(fall, limit),
                        lambda n=name, f=found, x=limit: check_ablation_drops(
                            f, n, at_least=x, unit="metric"
                        ),
                    )
            yield (
                f"without {what} half of the logit difference is gone ({kind})",
                oracle.at_least(fall / whole, 0.5, oracle.near / whole),
                lambda n=name, f=found: check_ablation_drops(f, n),
            )
            for limit in (0.9, *beside(left / whole, 1 / whole)):
                if limit > 0:
                    yield (
                        f"without {what} the logit difference is kept ({kind})",
                        oracle.at_least(left / whole, limit, oracle.near / whole),
                        lambda n=name, f=found, x=limit: check_survives_ablation(f, n, keeps=x),
                    )


def _kind_of(name: str) -> str:
    if "distract" in name:
        return name
    return "two parts" if " and " in name else "a part"
