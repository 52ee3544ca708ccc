"""Facts that the model does not know take no part in a claim: in no number, and in no control."""

from dataclasses import replace

import numpy as np
import pytest
from made_ablations import ablations, made_circuit
from made_heads import attribution, patterns as looking
from made_patchings import head_trace, joint, paths

from pytest_interp.claims import (
    check_ablation_drops,
    check_attends,
    check_complete,
    check_direct_effect,
    check_faithful,
    check_heads_matter,
    check_minimal,
    check_path,
    check_sufficient,
    check_survives_ablation,
)

HEADS = head_trace({"head.1.2": 0.5, "head.2.0": 0.1})
ABLATED = ablations({"head.2.3": 3.0, "head.1.0": 0.1})
ADDS = attribution({"head.2.1": 3.0, "mlp_out.1": 1.0}, {"head.2.1": 0.5})
# each passes, fails or is held back by a control where all facts are known
CLAIMS = {
    "heads_matter": (check_heads_matter, HEADS, ("head.1.2",), {"at_least": 0.4}),
    "heads_matter and others not": (
        *(check_heads_matter, HEADS, ("head.1.2",)),
        {"at_least": 0.4, "others_at_most": 0.2},
    ),
    "sufficient": (check_sufficient, joint(stored=0.9), ("stored",), {}),
    "path": (check_path, paths(), ("head.1.0", "q.2.1"), {"at_least": 0.4}),
    "ablation_drops": (check_ablation_drops, ABLATED, ("head.2.3",), {}),
    "ablation_drops in logits": (check_ablation_drops, ABLATED, ("head.2.3",), {"unit": "metric"}),
    "survives_ablation": (check_survives_ablation, ABLATED, ("head.1.0",), {}),
    "direct_effect": (check_direct_effect, ADDS, ("head.2.1",), {"at_least": 2}),
    "direct_effect as a share": (check_direct_effect, ADDS, ("head.2.1",), {"share": 0.5}),
    "attends": (
        *(check_attends, looking({"head.1.2": 0.7}), ("head.1.2", "last", "subject")),
        {"at_least": 0.5},
    ),
    "faithful": (check_faithful, made_circuit(), (), {}),
    "complete": (check_complete, made_circuit(), (), {}),
    "minimal": (check_minimal, made_circuit(), (), {}),
}


def others(values):
    """Numbers of another size and sign, the same for no two facts."""
    return -50.0 * values - np.arange(1.0, len(values) + 1).reshape(-1, *[1] * (values.ndim - 1))


def with_unknown(result, known):
    """The facts behind the first ones are not known, and all that was measured of them is other."""
    changes = {"clean": np.concatenate([result.clean[:known], np.full(8 - known, -1.0)])}
    for name in getattr(result, "_by_fact", ()):
        values = getattr(result, name)
        if values is not None:
            changes[name] = np.concatenate([values[:known], others(values[known:])])
    if patterns := getattr(result, "patterns", None):
        changes["patterns"] = patterns[:known] + tuple(0 * one for one in patterns[known:])
    return replace(result, **changes)


@pytest.mark.guarantee(
    "green",
    "What was measured of facts that the model does not know changes no verdict about a set.",
    sees="They are left out, and counted in the verdict.",
)
@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_measured_of_unknown_facts_changes_nothing(name):
    check, result, where, asked = CLAIMS[name]
    alone = check(result.pick(range(6)), *where, **asked)
    beside = check(with_unknown(result, 6), *where, **asked, min_known=0.5)
    assert alone.status == "passed", str(alone)
    assert beside.status == alone.status, str(beside)
    assert beside.n_left_out == 2
    for field in ("value", "low", "high"):
        assert getattr(beside.effect, field) == pytest.approx(getattr(alone.effect, field))
    assert [one.name for one in beside.controls] == [one.name for one in alone.controls]
    assert [one.value for one in beside.controls] == pytest.approx(
        [one.value for one in alone.controls]
    )


@pytest.mark.parametrize("name", CLAIMS)
def test_where_no_fact_is_known_nothing_is_decided(name):
    check, result, where, asked = CLAIMS[name]
    verdict = check(with_unknown(result, 0), *where, **asked)
    assert verdict.status == "inconclusive", str(verdict)
    assert "knows 0 of 8 facts" in verdict.sentence
