"""What is claimed of circuits: they are faithful, complete and minimal."""

from dataclasses import replace

import numpy as np
import pytest
from made_ablations import SPREAD, ablations, made_circuit

from pytest_interp.claims import Status, check_complete, check_faithful, check_minimal
from pytest_interp.errors import ClaimError

GOOD = made_circuit()
PASSED, FAILED, OPEN = Status.PASSED, Status.FAILED, Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("circuit", "asked", "status"),
    [
        (GOOD, {}, PASSED),  # 0.9
        (GOOD, {"at_least": 0.95}, FAILED),
        (GOOD, {"at_least": 0.9}, OPEN),
        (made_circuit(kept=5.2), {}, FAILED),  # 1.3
        (made_circuit(kept=5.2), {"at_most": None}, PASSED),
        # what is left without any head or MLP counts for none
        (made_circuit(kept=3.6, none=1.6), {"at_least": 0.9}, FAILED),
    ],
)
def test_a_circuit_is_faithful_where_it_does_what_the_model_does(circuit, asked, status):
    assert check_faithful(circuit, **asked).status is status


@pytest.mark.parametrize(
    ("circuit", "asked", "status"),
    [
        (GOOD, {}, PASSED),  # 0.1 of 4.0 either way
        (made_circuit(complete=0.2), {"at_most": 0.01}, FAILED),
        (made_circuit(complete=1.0), {}, FAILED),
        (made_circuit(complete=0.8), {}, OPEN),
    ],
)
def test_a_circuit_is_complete_where_the_model_without_its_parts_does_no_more(
    circuit, asked, status
):
    verdict = check_complete(circuit, **asked)
    assert verdict.status is status
    assert "sample 1: head.1.0" in verdict.details


@pytest.mark.parametrize(
    ("circuit", "asked", "status"),
    [
        (GOOD, {}, PASSED),  # 0.25 and 0.2, the second one by holding back
        (GOOD, {"at_least": 0.3}, FAILED),
        (made_circuit(removal=(1.0, 0.0)), {}, FAILED),
        # each of them counts once, whichever way it changes the metric
        (made_circuit(removal=(0.5, -1.0)), {"at_least": 0.2}, FAILED),
        (made_circuit(removal=(1.0, -0.5)), {"at_least": 0.2}, FAILED),
    ],
)
def test_a_circuit_is_minimal_where_each_component_changes_something(circuit, asked, status):
    verdict = check_minimal(circuit, **asked)
    assert verdict.status is status
    assert "change without head" in verdict.effect.where


def test_what_was_left_out_beside_a_component_is_said():
    verdict = check_minimal(made_circuit(removal=(1.0, 0.0)))
    assert "head.2.3 (beside head.1.0)" in verdict.effect.where
    alone = check_minimal(made_circuit(removal=(0.0, 1.0)))
    assert alone.effect.where == "change without head.1.0"


@pytest.mark.guarantee(
    "undefined",
    "A circuit is faithful only where random circuits as large are not, and where ablating all "
    "heads and MLPs takes most of the metric away.",
    sees="inconclusive: random circuits, or all heads and MLPs ablated",
)
def test_controls_decide_against_a_circuit():
    verdict = check_faithful(made_circuit(random=3.0))
    assert verdict.status is OPEN
    assert "random circuits" in verdict.sentence
    left = made_circuit(kept=3.9, none=3.0)
    for check in (check_faithful, check_complete, check_minimal):
        verdict = check(left, **({"at_most": 0.5} if check is check_complete else {}))
        assert verdict.status is OPEN
        assert "all heads and MLPs ablated" in verdict.sentence
    assert "not run" in str(check_faithful(replace(GOOD, random_circuits=())))


@pytest.mark.guarantee(
    "green",
    "A circuit that is the whole model is neither faithful nor complete: nothing was left out.",
    sees="A ClaimError that says so.",
)
@pytest.mark.parametrize("check", [check_faithful, check_complete])
def test_the_whole_model_is_no_circuit(check):
    whole = replace(made_circuit(kept=4.0, complete=0.0), n_nodes=2, random_circuits=())
    with pytest.raises(ClaimError, match=r"all 2 heads and MLPs of the model: .* of any model"):
        check(whole)


def test_without_subsets_no_circuit_is_complete():
    none = np.zeros((len(SPREAD), 0))
    bare = {"subsets": (), "subset_names": (), "circuit_without": none, "model_without": none}
    with pytest.raises(ClaimError, match="no subsets to leave out"):
        check_complete(replace(GOOD, **bare))


def test_where_all_heads_and_mlps_do_nothing_no_share_of_it_is_claimed():
    verdict = check_faithful(made_circuit(kept=4.5, none=5.0))
    assert verdict.status is OPEN
    assert "faithfulness is nan" in verdict.sentence


@pytest.mark.parametrize("name", ["kept", "none", "circuit_without", "after_removal"])
def test_what_is_not_finite_decides_nothing(name):
    values = np.array(getattr(GOOD, name))
    values[2] = np.nan
    found = replace(GOOD, **{name: values})
    checks = [check_faithful, check_complete, check_minimal]
    if name != "none":
        checks = [checks[["kept", "circuit_without", "after_removal"].index(name)]]
    for check in checks:
        assert check(found).status is OPEN


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ClaimError, match="expected what circuit"):
        check_faithful(ablations({"head.2.3": 1.0}))
    with pytest.raises(ClaimError, match="more than at_least"):
        check_faithful(GOOD, at_least=0.8, at_most=0.5)
    for check in (check_complete, check_minimal):
        with pytest.raises(ClaimError, match="above 0"):
            check(GOOD, **{"at_most" if check is check_complete else "at_least": 0})
    none = np.zeros((len(SPREAD), 0))
    alone = {"removed": (), "minimal_with": (), "before_removal": none, "after_removal": none}
    with pytest.raises(ClaimError, match="minimality=False"):
        check_minimal(replace(GOOD, **alone))
    with pytest.raises(ClaimError, match=r"shape \(8, 3\), and needs \(8, 2\)"):
        replace(GOOD, model_without=np.zeros((8, 3)))


def test_a_circuit_says_what_it_found():
    said = GOOD.to_json()
    assert said["faithfulness"] == pytest.approx(0.9)
    assert said["minimal_with"] == {"head.2.3": ["head.1.0"]}
    assert set(GOOD.axes()) | set(GOOD.tolerances()) <= set(said)
    assert "2 of 40 heads and MLPs keep 90%" in GOOD.summary()
    part = GOOD.pick([0, 3])
    assert part.random_kept.shape == (2, 5)
    assert part.faithfulness == pytest.approx(0.9 + SPREAD[[0, 3]].mean() / 4)
