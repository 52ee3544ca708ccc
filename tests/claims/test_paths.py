"""Claims on paths."""

import numpy as np
import pytest
from made_patchings import N_FACTS, RECEIVERS, SENDERS, paths

from pytest_interp.claims import assert_path, check_path
from pytest_interp.claims.verdict import Status
from pytest_interp.errors import ClaimError, UnknownNameError
from pytest_interp.results.control import Control


@pytest.mark.parametrize("direction", ["noise", "denoise"])
@pytest.mark.parametrize("n", [1, N_FACTS])
def test_a_path_that_is_there_passes(n, direction):
    found = paths(n=n, direction=direction)
    verdict = assert_path(found, "head.1.0", "q.2.1", at_least=0.5, others_at_most=0.2)
    assert verdict.effect.value == pytest.approx(0.6)
    assert verdict.direction == direction


@pytest.mark.parametrize(
    ("effect", "asked", "status"),
    [
        (0.6, {"at_least": 0.8}, Status.FAILED),
        (0.6, {"at_least": 0.6}, Status.INCONCLUSIVE),
        (0.6, {"at_least": 0.5, "others_at_most": 0.05}, Status.FAILED),
        (-0.6, {"at_least": 0.5}, Status.FAILED),
        (np.nan, {"at_least": 0.5}, Status.INCONCLUSIVE),
    ],
)
def test_one_that_is_not_as_claimed_does_not(effect, asked, status):
    assert check_path(paths(effect), "head.1.0", "q.2.1", **asked).status is status


@pytest.mark.guarantee(
    "undefined",
    "Where a sender that does not change moves something, no claim about a path is decided.",
    sees="inconclusive, with the control",
)
def test_a_control_that_moves_leaves_it_open():
    broken = paths(controls=(Control("a sender that does not change", 0.2, 1e-3),))
    verdict = check_path(broken, "head.1.0", "q.2.1", at_least=0.5)
    assert verdict.status is Status.INCONCLUSIVE
    assert "a sender that does not change" in verdict.sentence + verdict.details


def test_a_receiver_is_named_with_its_position():
    moved = np.zeros((N_FACTS, len(RECEIVERS), len(SENDERS)))
    moved[:, 1, 2] = -8 + np.linspace(-0.5, 0.5, N_FACTS)
    found = paths(change=moved)
    verdict = assert_path(found, "mlp_out.1", "v.2.1@subject", at_least=0.7, others_at_most=0.1)
    assert "mlp_out.1 to v.2.1@subject" in verdict.claim
    assert found.to_json()["receivers"] == list(RECEIVERS)
    assert found.summary() == "strongest path mlp_out.1 to v.2.1@subject, effect 0.800"


def test_a_path_that_was_not_measured_is_refused():
    for ends in (("head.1.3", "q.2.1"), ("head.1.0", "q.2.0"), ("head.1.0", "v.2.1")):
        with pytest.raises(
            UnknownNameError, match=r"no path of the .* nearest are .*(\.1\.0|q\.2|v\.2\.1@sub)"
        ):
            check_path(paths(), *ends, at_least=0.5)
    with pytest.raises(ClaimError, match="path_patching"):
        check_path("q.2.1", "head.1.0", "q.2.1", at_least=0.5)
    with pytest.raises(ClaimError, match="others_at_most"):
        check_path(paths(), "head.1.0", "q.2.1", at_least=0.5, others_at_most=0.7)
    with pytest.raises(ClaimError, match="shape"):
        paths(senders=SENDERS[:2])


def test_json_holds_means_and_who_is_strongest():
    said = paths().to_json()
    assert said["effect"][0] == pytest.approx([0, 0.6, 0.1])
    assert said["strongest_sender"][0] == "head.1.0"
    assert said["direction"] == "noise"
    assert paths(np.nan).to_json()["strongest_sender"][0] is None
    assert paths().summary() == "strongest path head.1.0 to q.2.1, effect 0.600"
    assert paths(np.nan).strongest(1)[0].sender == "mlp_out.1"
    assert paths().pick([1, 2]).change.shape == (2, 2, 3)
