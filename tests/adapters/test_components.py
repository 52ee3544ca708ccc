"""Names of components."""

import pytest

from pytest_interp.adapters.components import Component, components_of
from pytest_interp.errors import ExperimentError, UnknownNameError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("embed", ("embed", None, None)),
        ("mlp_out.5", ("mlp_out", 5, None)),
        ("head.9.6", ("head", 9, 6)),
        ("head.9", ("head", 9, None)),
        ("bias.3", ("bias", 3, None)),
    ],
)
def test_a_component_reads_as_it_writes(text, parts):
    found = Component.of(text)
    assert (found.kind, found.layer, found.index) == parts
    assert str(found) == text
    assert Component.of(found) is found


@pytest.mark.parametrize("text", ["head 9", "head.9.6.1", "", "mlp_out.5.1", "mlp_out", "embed.1"])
def test_what_names_no_component_is_refused(text):
    with pytest.raises(ExperimentError):
        Component.of(text)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UnknownNameError, match="mlp_out"):
        Component.of("mlpout.3")


def test_several_components_each_once():
    assert components_of(["head.1.2", "mlp_out.0", "head.1.2"]) == (
        Component("head", 1, 2),
        Component("mlp_out", 0),
    )
    assert components_of("embed") == (Component("embed"),)
    with pytest.raises(ExperimentError, match="no component"):
        components_of([])
