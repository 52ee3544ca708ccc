"""Nothing is claimed of layers that nobody looked at, and the claim says which they are."""

from dataclasses import replace

import pytest
from made_results import lens

from pytest_interp.claims import (
    Status,
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_sufficient,
)
from pytest_interp.claims.places import in_runs
from pytest_interp.errors import ClaimError
from pytest_interp.results import TraceResult
from tests.claims.conftest import make_trace


def part(layers, trace=None, **changes):
    """The usual map of 6 layers, of which some were traced."""
    whole = trace or make_trace()
    values = {k: getattr(whole, k) for k in whole.__dataclass_fields__ if k != "recovery"}
    rows = [whole.layers.index(layer) for layer in layers]
    return TraceResult(
        **values | {"layers": tuple(layers), "patched_metric": whole.patched_metric[rows]} | changes
    )


def test_a_handoff_needs_both_layers_beside_it():
    for layers, layer, wants in (([0, 5], 5, 4), ([0, 3, 5], 5, 4), ([0, 1, 2, 4, 5], 4, 3)):
        with pytest.raises(ClaimError, match=f"both sides: trace layer {wants} too"):
            check_handoff(part(layers), "subject", "last", layer)
    with pytest.raises(ClaimError, match="trace layer 3 too"):
        check_handoff(part([0, 1, 2]), "subject", "last", 3)
    for layers, wants in (([0, 2, 3, 4], 1), ([0, 1, 2, 3, 5], 4)):
        with pytest.raises(
            ClaimError, match=rf"layer \d+ \+/- 1 is a claim.*: trace layer {wants} too"
        ):
            check_handoff(part(layers), "subject", "last", 3, within=1)
    assert check_handoff(part([0, 1, 4, 5]), "subject", "last", 3, within=1)
    for layer, missing in ((0, -1), (6, 6)):
        with pytest.raises(ClaimError, match=f"the model has no layer {missing}"):
            check_handoff(make_trace(), "subject", "last", layer)


def test_a_handoff_names_the_layers_that_were_not_traced():
    assert "not traced" not in check_handoff(make_trace(), "subject", "last", 3).claim
    verdict = check_handoff(part([2, 3]), "subject", "last", 3)
    assert verdict.status is Status.PASSED
    assert "not traced: layers 0 to 1, 4 to 5" in verdict.claim
    unknown = check_handoff(part(range(6), n_layers=None), "subject", "last", 3)
    assert "the depth of the model is not known" in unknown.claim


def test_nowhere_else_needs_a_layer_outside():
    site = "resid_post@subject"
    for layers, span, wants in (([0, 1, 2], (0, 2), 3), ([1, 2, 3], (1, 2), 0), ([2, 3], 2, 1)):
        with pytest.raises(ClaimError, match=f"'nowhere else'.*: trace layer {wants} too"):
            check_fact_localized(part(layers), site, span)
    verdict = check_fact_localized(part([0, 1, 2, 3]), site, (0, 2))
    assert verdict.status is Status.PASSED
    assert "not traced: layers 4 to 5" in verdict.claim


def test_the_end_of_the_model_has_no_layer_outside():
    trace = make_trace()
    assert check_fact_localized(trace, "resid_post@last", (3, 5))
    always = make_trace(handoff=0)
    assert check_fact_localized(always, "resid_post@last", (0, 5))
    with pytest.raises(ClaimError, match=r"layer 6 too.*an unknown number of layers"):
        check_fact_localized(part(range(6), trace, n_layers=None), "resid_post@last", (3, 5))


def test_an_edge_leaves_layers_outside_and_is_named():
    trace, site = make_trace(), "resid_post@subject"
    verdict = check_fact_localized(trace, site, (0, 1), edge=1)
    assert "outside at most 0.30; open: layer 2)" in verdict.claim
    with pytest.raises(ClaimError, match=r"edge=100\), and the model has no layer -100, 102"):
        check_fact_localized(trace, site, (1, 1), edge=100)
    with pytest.raises(ClaimError, match="no layer -1"):
        check_fact_localized(trace, site, (1, 2), edge=1)


def test_an_effect_speaks_of_its_layers_alone():
    assert check_sufficient(part([1]), "resid_post@subject", 1)


@pytest.mark.parametrize("layers", [[10, 11], [0, 1, 2], [*range(10), 11]])
def test_a_lens_reads_all_layers(layers):
    whole = lens()
    some = {
        name: getattr(whole, name)[layers]
        for name in ("answer_prob", "answer_rank", "answer_margin", "top_margin")
    }
    read = replace(whole, layers=tuple(layers), top_token=whole.top_token[: len(layers)], **some)
    assert check_crystallises(whole, by_layer=8, not_before=8)
    with pytest.raises(ClaimError, match=r"of a model with 12 layers.*read all layers"):
        check_crystallises(read, by_layer=layers[-1])
    with pytest.raises(ClaimError, match="an unknown number of layers"):
        check_crystallises(replace(whole, n_layers=None), by_layer=8)


def test_layers_in_runs():
    assert in_runs([0, 1, 2, 5, 7, 8]) == "0 to 2, 5, 7 to 8"
    assert in_runs([4]) == "4"
