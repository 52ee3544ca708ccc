"""Experiments that are given something else than they take."""

from __future__ import annotations

import pytest

import pytest_interp as interp
from pytest_interp.errors import ArgumentError, ClaimError
from pytest_interp.planted import planted_model
from pytest_interp.plugin.asked import RunOptions
from pytest_interp.plugin.calls import Lens, Trace
from pytest_interp.plugin.session import Models

PLANTED = planted_model("gpt2")
FACT = PLANTED.facts[0]
FACTS = interp.FactSet.of(PLANTED.facts[:2])
WORDS = pytest.mark.guarantee(
    "messages",
    "An experiment that is given another thing than it reads says which thing that would be.",
    sees="trace_facts: facts is 'capitals', and has to be a FactSet: load_facts(name), ...",
)


@pytest.fixture(scope="module")
def adapter():
    return interp.load_model("planted-gpt2", "nnsight")


@WORDS
@pytest.mark.parametrize(
    ("experiment", "given", "said"),
    [
        (interp.causal_trace, FACT.clean_prompt, "fact is 'visitors .* has to be a FactPrompt: "),
        (interp.causal_trace, {"subject": "Acropolis"}, "fact is a dict, and has to be a FactP"),
        (interp.trace_facts, "capitals", r"facts is 'capitals', .* FactSet: load_facts\(name\)"),
        (interp.trace_facts, FACT, "facts is a FactPrompt, and has to be a FactSet"),
        (interp.lens_facts, [FACT], "facts is a list, and has to be a FactSet"),
        (interp.causal_traces, FACTS, "facts is a FactSet, and has to be a list of FactPrompts"),
        (interp.known_facts, FACT, "facts is a FactPrompt, and has to be a FactSet"),
        (interp.trace_heads, [FACT], "facts is a list, .* FactPrompt: .*; or a FactSet"),
        (interp.attention_patterns, [FACT], "reads texts, a FactPrompt or a FactSet"),
        (interp.probe, FACTS, "prompts is a FactSet, and has to be a PromptSet: load_prompts"),
        (interp.logit_lens, FACT.clean_prompt, "a prompt and its answer"),
    ],
)
def test_what_would_be_right_is_said(adapter, experiment, given, said):
    with pytest.raises(ArgumentError, match=said):
        experiment(adapter, given)


@WORDS
def test_what_is_no_adapter_is_said():
    for given in ("planted-gpt2", PLANTED.module):
        with pytest.raises(ArgumentError, match=r"adapter is .* a model under a backend: load_mo"):
            interp.logit_lens(given, FACT)
    with pytest.raises(ArgumentError, match="missing a required argument: 'fact'"):
        interp.causal_trace(FACT)


@pytest.mark.parametrize("layers", [3, "3"])
def test_one_layer_is_given_as_several(adapter, layers):
    trace, lens = bound(adapter)
    for ask in (
        lambda: interp.causal_trace(adapter, FACT, layers=layers),
        lambda: interp.logit_lens(adapter, FACT, layers=layers),
        lambda: interp.attention_patterns(adapter, FACT, layers),
        lambda: trace(FACT, layers=layers),
        lambda: lens(FACT, layers=layers),
    ):
        with pytest.raises(ArgumentError, match=r"several.*, as \[3\] or range\(3, 6\)"):
            ask()


@WORDS
def test_fixtures_say_it_as_well(adapter):
    trace, lens = bound(adapter)
    with pytest.raises(ArgumentError, match=r"takes its options as TraceOptions, .* got ' Paris'"):
        trace(FACT.clean_prompt, " Paris")
    for wrong in (FACT.clean_prompt, {"subject": "Acropolis"}, [FACT]):
        with pytest.raises(ArgumentError, match=r"fact is .* has to be a FactPrompt"):
            trace(wrong)
    with pytest.raises(ArgumentError, match="has to be a FactSet"):
        lens([FACT])
    with pytest.raises(ArgumentError, match="a FactPrompt alone"):
        lens(FACT, " Rome")


@pytest.mark.guarantee(
    "green",
    "`lens(fact)` and `logit_lens(adapter, fact)` read the fact's clean prompt and its answer.",
    sees="The result of that prompt and that answer.",
)
def test_the_lens_reads_a_fact(adapter):
    _, lens = bound(adapter)
    found = lens(FACT)
    assert (found.prompt, found.answer) == (FACT.clean_prompt, FACT.answer)
    assert found is lens(FACT.clean_prompt, FACT.answer)
    assert lens(FACT, position=3, layers=[2]).position == 3
    assert interp.logit_lens(adapter, FACT).to_json() == found.to_json()


@pytest.mark.guarantee(
    "messages",
    "A claim with an argument too few or too many says which ones it takes.",
    sees="the claim handoff: missing a required argument: 'layer'. It takes trace, source, ...",
)
def test_a_claim_says_what_is_missing(adapter):
    trace, _ = bound(adapter)
    with pytest.raises(ClaimError, match=r"claim handoff: missing .* 'layer'\. It takes trace,"):
        interp.assert_handoff(trace(FACT), "subject", "last")
    with pytest.raises(ClaimError, match=r"claim crystallises: too many .*\. It takes .*by_l"):
        interp.assert_crystallises(interp.logit_lens(adapter, FACT), 4)


def bound(adapter):
    """The fixtures ``trace`` and ``lens``, without a test."""
    models = Models(RunOptions())
    return Trace(models, adapter, print), Lens(models, adapter, print)
