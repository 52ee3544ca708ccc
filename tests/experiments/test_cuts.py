"""Experiments on sets of facts, cut into parts that are computed apart."""

from dataclasses import replace

import numpy as np
import pytest
from planted_sets import planted_facts

from pytest_interp.errors import ClaimError
from pytest_interp.experiments.ablations import ablate
from pytest_interp.experiments.attention import attention_patterns
from pytest_interp.experiments.attribution import direct_logit_attribution
from pytest_interp.experiments.cuts import CUTS, cut_of
from pytest_interp.experiments.estimates import attribution_patching
from pytest_interp.experiments.paths import path_patching, with_unchanged
from pytest_interp.experiments.tracing import trace_facts
from pytest_interp.facts import FactSet
from pytest_interp.models import load_model
from pytest_interp.options import TraceOptions
from pytest_interp.results.attention import AttentionPatterns
from pytest_interp.results.joining import joined
from pytest_interp.results.over_facts import OverFacts

DRAWN = {
    "kind": "resample",
    "reference": planted_facts(),
    "draws": 2,
    "positions": "subject",
}
ASKED = {
    "trace_facts": {"options": TraceOptions.of(None, metric="answer_prob"), "controls": True},
    "trace_heads": {"position": "subject", "controls": True},
    "trace_joint": {"sets": {"early": ["resid_post.0-1@subject"]}, "controls": True},
    "lens_facts": {"layers": (0, 3, 5)},
    "direct_logit_attribution": {},
    "attention_patterns": {"layers": (0, 3)},
    # groups of one length whose subjects are elsewhere share a reference
    "ablate": {"components": ["head.1.0", "mlp_out.2"], **DRAWN},
    # shorter prompts have fewer other tokens
    "knock_out_attention": {"from_": "last", "to": "subject", "layers": (3, 4), "random": 6},
    "circuit": {
        **{"keep": ["head.3.0", "mlp_out.2"], "ablation": "mean", "reference": "corrupt"},
        **{"sampled": 1, "random": 5, "minimality": False},
    },
    "path_patching": {
        **{"senders": ["head.1.0", "mlp_out.2"], "receivers": ["v.3.0@subject", "output"]},
        "corruption": "gaussian",
    },
}


def numbers(result):
    """All numbers of a result, in the order of its facts."""
    if isinstance(result, AttentionPatterns):
        return [result.clean, result.corrupt, *result.patterns]
    if isinstance(result, OverFacts):
        names = ("clean", "corrupt", "preferences", *result._by_fact)
        return [getattr(result, name) for name in names if getattr(result, name) is not None]
    found = []
    for one in result:
        values = vars(one).values()
        found += [v for v in values if isinstance(v, float | np.ndarray)]
    return found


@pytest.mark.guarantee(
    "green",
    "An experiment on a set of facts that is cut into parts has the numbers of the whole.",
    sees="the same result to the last digit, controls included",
)
@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
@pytest.mark.parametrize("experiment", CUTS, ids=lambda experiment: experiment.__name__)
def test_parts_computed_apart_make_the_whole_to_the_last_digit(experiment, backend, monkeypatch):
    # several parts of one length
    for name in ("tracing.TRACED", "patch_runs.TRACED", "cuts.TRACED", "lens.READ"):
        monkeypatch.setattr(f"pytest_interp.experiments.{name}", 3)
    monkeypatch.setattr("pytest_interp.experiments.attribution.READ", 3)
    adapter, facts = load_model("planted-gpt2", backend, "cpu"), planted_facts()
    name = experiment.__name__
    asked = {("prompts" if name == "attention_patterns" else "facts"): facts, **ASKED[name]}
    again, n_parts = apart(experiment, adapter, asked)
    assert n_parts >= 2
    same(again, experiment(adapter, **asked))


@pytest.mark.parametrize("kind", ["mean", "zero"])
def test_parts_of_an_ablation_know_what_the_whole_reads(kind):
    adapter, facts = load_model("planted-gpt2", "transformer_lens", "cpu"), planted_facts()
    asked = {"facts": facts, "components": "mlp_out.2", "random": 0, "kind": kind}
    asked["positions"] = "subject"
    if kind == "mean":
        # of other lengths than those of some parts
        asked |= {"over_positions": True, "reference": ["we heard", facts.prompts[3].clean_prompt]}
    same(apart(ablate, adapter, asked)[0], ablate(adapter, **asked))


def test_the_control_of_paths_takes_all_facts():
    adapter, facts = load_model("planted-gpt2", "transformer_lens", "cpu"), planted_facts()
    found = path_patching(adapter, facts.take(2), "mlp_out.2")
    moved = replace(found, clean=[3.0, 2.0], corrupt=[-1.0, 0.0], unmoved=[0.0, 1.5])
    (control,) = with_unchanged(adapter, moved).controls
    assert control.value == 1.5 / 3


def test_parts_without_corrupt_prompts():
    adapter, facts = load_model("planted-gpt2", "transformer_lens", "cpu"), planted_facts()
    some = [
        fact if i % 4 == 3 else replace(fact, corrupt_prompt=None)
        for i, fact in enumerate(facts.prompts)
    ]
    asked = {"facts": FactSet.of(some), "components": "mlp_out.2", "kind": "zero", "random": 0}
    asked["metric"] = "answer_prob"
    again, _ = apart(ablate, adapter, asked)
    assert again.corrupt is None
    same(again, ablate(adapter, **asked))


def apart(experiment, adapter, asked):
    """The result of parts that were computed one by one, and how many there were."""
    cut, facts = cut_of(experiment, asked), next(iter(asked.values()))
    pieces = list(cut.pieces(adapter, asked))
    assert sorted(place for one in pieces for place in one.members) == list(range(len(facts)))
    parts = [experiment(adapter, **one.asked) for one in pieces]
    found = joined(parts, [one.members for one in pieces])
    return found if cut.finished is None else cut.finished(adapter, asked, found), len(pieces)


def same(one, other):
    """Whether two results are equal in all but the time."""
    assert one.to_json() == other.to_json()
    assert getattr(one, "facts", None) == getattr(other, "facts", None)
    for name in ("controls", "reference", "no_other_tokens", "random_members", "str_tokens"):
        assert getattr(one, name, ()) == getattr(other, name, ())
    pairs = list(zip(numbers(one), numbers(other), strict=True))
    assert len(pairs) >= 3
    for mine, its in pairs:
        np.testing.assert_array_equal(mine, its)


def test_what_is_not_cut():
    facts = planted_facts()
    assert cut_of(attribution_patching, {"facts": facts}) is None
    assert cut_of(attention_patterns, {"prompts": ["we heard", "everyone knows"]}) is None
    assert cut_of(ablate, {"facts": facts.prompts[0], "reference": facts}) is None
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
