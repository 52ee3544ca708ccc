"""Experiments on sets of facts, cut into parts that are computed apart."""

from dataclasses import replace

import numpy as np
import pytest
from planted_sets import planted_facts

from pytest_interp.errors import ClaimError
from pytest_interp.experiments.ablations import ablate
from pytest_interp.experiments.attribution import direct_logit_attribution
from pytest_interp.experiments.cuts import CUTS, cut_of
from pytest_interp.experiments.tracing import trace_facts
from pytest_interp.models import load_model
from pytest_interp.options import TraceOptions
from pytest_interp.results.joining import joined
from pytest_interp.results.over_facts import OverFacts

ASKED = {
    "trace_facts": {"options": TraceOptions.of(None, metric="answer_prob"), "controls": True},
    "trace_heads": {"position": "subject", "controls": True},
    "trace_joint": {"sets": {"early": ["resid_post.0-1@subject"]}, "controls": True},
    "lens_facts": {"layers": (0, 3, 5)},
    "direct_logit_attribution": {},
}


def numbers(result):
    """All numbers of a result, in the order of its facts."""
    if isinstance(result, OverFacts):
        names = ("clean", "corrupt", "preferences", *result._by_fact)
        return [getattr(result, name) for name in names if getattr(result, name) is not None]
    found = []
    for one in result:
        values = vars(one).values()
        found += [v for v in values if isinstance(v, float | np.ndarray)]
    return found


@pytest.mark.parametrize("experiment", CUTS, ids=lambda experiment: experiment.__name__)
def test_parts_computed_apart_make_the_whole_to_the_last_digit(experiment, monkeypatch):
    # several parts of one length
    for name in ("tracing.TRACED", "patch_runs.TRACED", "cuts.TRACED", "lens.READ"):
        monkeypatch.setattr(f"pytest_interp.experiments.{name}", 3)
    monkeypatch.setattr("pytest_interp.experiments.attribution.READ", 3)
    adapter, facts = load_model("planted-gpt2", "transformer_lens", "cpu"), planted_facts()
    asked = {"facts": facts, **ASKED[experiment.__name__]}
    whole = experiment(adapter, **asked)

    cut = cut_of(experiment, asked)
    members = list(cut.parts(adapter, asked))
    assert len(members) >= 3
    assert sorted(place for part in members for place in part) == list(range(len(facts)))
    apart = {"controls": False} if "controls" in asked else {}
    parts = [
        experiment(adapter, **{**asked, "facts": facts.pick(part), **apart}) for part in members
    ]
    again = joined(parts, members)
    if cut.controlled is not None:
        again = cut.controlled(adapter, asked, again)

    assert again.to_json() == whole.to_json()
    assert getattr(again, "controls", ()) == getattr(whole, "controls", ())
    assert getattr(again, "facts", facts) == facts
    pairs = list(zip(numbers(again), numbers(whole), strict=True))
    assert len(pairs) >= 3
    for mine, its in pairs:
        np.testing.assert_array_equal(mine, its)


def test_what_is_not_cut():
    facts = planted_facts()
    assert cut_of(ablate, {"facts": facts}) is None
    assert cut_of(trace_facts, {"facts": facts.take(1)}) is None
    assert cut_of(trace_facts, {"facts": facts.prompts[0]}) is None


def test_parts_of_different_weights_make_no_whole():
    adapter, facts = load_model("planted-gpt2", "transformer_lens", "cpu"), planted_facts()
    first, second = (
        direct_logit_attribution(adapter, facts.pick(part)) for part in ([0, 1], [2, 3])
    )
    other = replace(second, provenance=replace(second.provenance, fingerprint="another"))
    with pytest.raises(ClaimError, match="differ in fingerprint"):
        joined([first, other], [(0, 1), (2, 3)])
