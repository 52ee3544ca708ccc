"""The derived truth of "told or not told" models against values written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.planted import ToldTruth, planted_told_model

FROM_3 = (0.5, 0.5, 0.5, 1, 1, 1, 1, 1)


def truth(variant: Any, **arguments: Any) -> ToldTruth:
    layers = {"bit_layer": 3, "read_layer": 5, "gate_layer": 6} | arguments
    return planted_told_model("gpt2", variant=variant, **layers).truth


@pytest.mark.parametrize(
    ("variant", "auroc"),
    [
        ("gated", FROM_3),
        ("decoy", FROM_3),
        ("two_directions", FROM_3),
        ("never", FROM_3),
        ("hidden", (0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6)),
        ("surface", (1,) * 8),
        ("none", (0.5,) * 8),
        ("gradual", FROM_3),
    ],
)
def test_where_the_classes_are_told_apart(variant: str, auroc: tuple[float, ...]) -> None:
    assert truth(variant).auroc == auroc


def test_the_city_tells_the_classes_apart_as_well() -> None:
    assert truth("gated", bit_layer=5, read_layer=4).auroc == (0.5,) * 4 + (1,) * 4


@pytest.mark.parametrize(
    ("variant", "told", "untold", "removes"),
    [
        ("gated", False, True, {"untold": True, "abstain": True}),
        ("decoy", False, True, {"untold": False, "abstain": True}),
        ("two_directions", False, True, {"untold:0": False, "untold:1": False, "abstain": True}),
        ("never", False, False, {"untold": None}),
        ("surface", False, False, {"invented": None}),
        ("none", False, False, {}),
        ("gradual", False, False, {"untold": None}),
    ],
)
def test_who_abstains_and_what_removes_it(
    variant: str, told: bool, untold: bool, removes: dict[str, bool | None]
) -> None:
    found = truth(variant)
    by_label = {
        label: {found.abstains(prompt.text) for prompt in found.shipped.of(label)}
        for label in found.shipped.classes
    }
    assert by_label == {"told": {told}, "untold": {untold}}
    assert {name: found.ablation_removes(name) for name in found.directions} == removes


def test_two_directions_are_removed_together() -> None:
    assert truth("two_directions").ablation_removes("untold:0", "untold:1") is True


def test_hidden_abstains_on_rumours_of_either_class() -> None:
    found = truth("hidden")
    for prompt in found.shipped:
        assert found.abstains(prompt.text) == ("Rumours" in prompt.text)
    assert found.ablation_removes("doubt") is True


def test_what_is_read_later_moves_abstaining() -> None:
    directions = truth("gated").directions
    assert [directions["untold"].moves_abstaining(layer) for layer in range(8)] == (
        [True] * 6 + [False] * 2
    )
    assert all(directions["abstain"].moves_abstaining(layer) for layer in range(8))
    assert (directions["untold"].written_at, directions["abstain"].written_at) == (3, 6)
    decoy = truth("decoy").directions["untold"]
    assert not any(decoy.moves_abstaining(layer) for layer in range(8))


def test_adding_and_removing_the_bit_flips_the_answer() -> None:
    found = truth("gated")
    told, untold = (found.shipped.of(label).prompts[0].text for label in ("told", "untold"))
    doses = [found.log_odds(told, add={"untold": dose}, layer=4) for dose in (-2, -1, 0, 1, 2, 4)]
    assert doses == sorted(doses)
    assert doses[2] < 0 < doses[4]
    assert found.log_odds(untold, add={"untold": -1}, layer=4) < 0 < found.log_odds(untold)
    assert abs(found.effect(untold, {"untold": -1}, layer=6)) < 1


@pytest.mark.parametrize(
    ("layers", "settling"),
    [
        ({"read_layer": 4, "gate_layer": 6}, {"told": 4, "untold": 6}),
        ({"read_layer": 7, "gate_layer": 4}, {"told": 7, "untold": 4}),
        ({"read_layer": 5, "gate_layer": 5, "abstain_score": 15.0}, {"told": 5, "untold": 5}),
    ],
)
def test_when_each_class_settles(layers: dict[str, Any], settling: dict[str, int]) -> None:
    assert truth("gated", **layers).settling() == settling


def test_asking_for_what_is_not_there() -> None:
    found = truth("gated")
    text = found.shipped.prompts[0].text
    with pytest.raises(UnknownNameError, match="untold"):
        found.log_odds(text, ablate=["untolt"])
    with pytest.raises(ExperimentError, match="0 to 7"):
        found.log_odds(text, add={"untold": 1})
