"""Ablations and circuits of planted models, whose truth is derived from their description."""

from functools import cache

import numpy as np
import pytest

from pytest_interp import (
    ablate,
    assert_ablation_drops,
    assert_complete,
    assert_faithful,
    assert_minimal,
    assert_survives_ablation,
    circuit,
)
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.claims import Status, check_complete, check_minimal
from pytest_interp.facts.sets import FactSet
from pytest_interp.planted import (
    planted_induction_model,
    planted_ioi_model,
    planted_two_step_model,
)
from pytest_interp.planted.ioi import ANSWERED, BACKUP, MOVER, NEGATIVE, SUBJECT

ARCHS = ("gpt2", "qwen3", "llama")
build = cache(lambda builder, arch: builder(arch))


@cache
def opened(builder, arch, backend):
    model = build(builder, arch)
    return open_adapter(Weights("planted", model.module, model.tokenizer, "planted"), backend)


CASES = (
    *((planted_ioi_model, arch, "nnsight") for arch in ARCHS),
    (planted_ioi_model, "gpt2", "transformer_lens"),
    (planted_induction_model, "llama", "nnsight"),
    (planted_two_step_model, "qwen3", "transformer_lens"),
)


@pytest.mark.parametrize(("builder", "arch", "backend"), CASES)
def test_ablations_of_planted_models_are_what_is_true_of_them(builder, arch, backend):
    model, adapter = build(builder, arch), opened(builder, arch, backend)
    roles = list(model.roles.values())
    fact = next(one for one in model.facts.prompts if one.clean_prompt != model.reference[0])
    truth = model.truth(fact)
    for kind in ("zero", "mean", "resample"):
        asked = {"kind": kind, "random": 0}
        if kind == "mean":
            asked["reference"] = model.reference
        if kind == "resample":  # the truth reads the first one
            asked |= {"reference": model.reference[:1], "draws": 1}
        found = ablate(adapter, fact, roles, sets={"two": roles[:2], "all": roles}, **asked)
        for measured, members in zip(found.ablated[0], found.members, strict=True):
            stated = truth.ablated(members, kind, model.reference)
            if np.isfinite(stated):
                assert measured == pytest.approx(stated, abs=truth.tolerance), (kind, members)


IOI = build(planted_ioi_model, "gpt2")
FACTS = FactSet("some", IOI.facts.facts[::2])
HEADS = {role: str(component) for role, component in IOI.roles.items()}
REFERENCE = {"zero": None, "mean": IOI.reference}


def ioi(backend="nnsight"):
    return opened(planted_ioi_model, "gpt2", backend)


@pytest.mark.guarantee(
    "green",
    "What only a joint ablation shows is found by one: a component whose work another takes over "
    "looks dispensable alone.",
    sees="the drop without each alone, and without the set",
)
def test_a_backup_shows_when_both_are_ablated():
    sets = {"both": [HEADS[MOVER], HEADS[BACKUP]]}
    found = ablate(ioi(), FACTS, HEADS.values(), sets=sets, kind="mean", reference=IOI.reference)
    assert_survives_ablation(found, HEADS[BACKUP], keeps=0.99)
    assert_ablation_drops(found, HEADS[SUBJECT], at_least=1.5)
    # alone the name mover looks half as important as it is
    assert_survives_ablation(found, HEADS[MOVER], keeps=0.4)
    assert_ablation_drops(found, "both", at_least=1.2)
    # the negative head holds the answer back
    assert_survives_ablation(found, HEADS[NEGATIVE], keeps=1.3)


@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_the_planted_circuit_is_faithful_and_complete(kind):
    found = circuit(
        ioi(), FACTS, HEADS.values(), ablation=kind, reference=REFERENCE[kind], sampled=6,
        minimal_with={HEADS[BACKUP]: [HEADS[MOVER]]},
    )  # fmt: skip
    assert_faithful(found, at_least=0.95, at_most=1.05)
    assert_complete(found, at_most=0.05)
    truth = IOI.truth(FACTS.prompts[0])
    stated = truth.faithfulness(IOI.roles.values(), kind, IOI.reference)
    assert found.faithfulness == pytest.approx(stated, abs=0.03)
    # the note that there is an answer keeps the backup silent by its mean as well, not by zero
    minimal = check_minimal(found)
    assert minimal.status is (Status.PASSED if kind == "zero" else Status.FAILED)
    assert kind == "zero" or HEADS[ANSWERED] in minimal.effect.where


@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_without_its_backup_a_circuit_is_faithful_but_not_complete(kind):
    keep = [HEADS[role] for role in (SUBJECT, MOVER, NEGATIVE)]
    asked = {"ablation": kind, "reference": REFERENCE[kind], "sampled": 2, "random": 0}
    found = circuit(ioi(), FACTS, keep, **asked)
    assert_faithful(found, at_least=0.95)
    assert_minimal(found)
    verdict = check_complete(found)
    assert verdict.status is Status.FAILED
    assert "without the circuit" in verdict.effect.where
    # without the subject head it says the other name
    wrong = circuit(ioi(), FACTS, keep[1:], **asked)
    assert wrong.faithfulness < -0.5
