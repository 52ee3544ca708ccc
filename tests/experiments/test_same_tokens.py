"""Prompts of a set that a model reads as the same tokens, though their texts differ."""

from dataclasses import replace
from functools import cache

import pytest

from pytest_interp import FactSet
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments import (
    ablate,
    ablate_direction,
    attention_patterns,
    attribution_patching,
    causal_trace,
    circuit,
    class_direction,
    direct_logit_attribution,
    knock_out_attention,
    path_patching,
    probe,
    steer,
    trace_facts,
    trace_heads,
    trace_joint,
    trajectories,
)
from pytest_interp.experiments.tokens import must_differ
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.planted import planted_model, planted_told_model

ONCE = pytest.mark.guarantee(
    "green",
    "Prompts that a model reads as the same tokens count once: a set that holds two of them is "
    "refused.",
    sees="A PromptError that names the two.",
)
OVER_FACTS = {
    "trace": trace_facts,
    "heads": trace_heads,
    "joint": lambda adapter, facts: trace_joint(adapter, facts, {"a": ("resid_post.1@subject",)}),
    "ablate": lambda adapter, facts: ablate(adapter, facts, "head.1.0", kind="zero"),
    "knock out": lambda adapter, facts: knock_out_attention(adapter, facts, "last", "subject"),
    "circuit": lambda adapter, facts: circuit(adapter, facts, "head.1.0", ablation="zero"),
    "paths": path_patching,
    "estimates": attribution_patching,
    "direct": direct_logit_attribution,
    "attention": attention_patterns,
    "texts": lambda adapter, facts: attention_patterns(
        adapter, [one.clean_prompt for one in facts.prompts]
    ),
}
OVER_PROMPTS = {
    "probe": probe,
    "trajectories": trajectories,
    "steer": lambda adapter, prompts: steer(adapter, prompts, given()),
    "ablate": lambda adapter, prompts: ablate_direction(adapter, prompts, given()),
    "direction": lambda adapter, prompts: class_direction(adapter, prompts, 3),
}


@cache
def planted():
    model = planted_model("gpt2", n_layers=2)
    return model, open_adapter(Weights("p", model.module, model.tokenizer, "planted"), "nnsight")


@cache
def told():
    model = planted_told_model("gpt2", n_persons=24)
    adapter = open_adapter(Weights("p", model.module, model.tokenizer, "planted"), "nnsight")
    return adapter, model.prompts(24, seed=7)


@cache
def direction():
    return class_direction(*told(), 3)


def given():
    """A direction of which nobody knows what it was fitted on."""
    return replace(direction(), groups=frozenset(), texts=frozenset())


def spaced(text):
    """Another text, which is the same to a tokenizer that splits at white space."""
    return text.replace(" ", "  ", 1)


@ONCE
@pytest.mark.parametrize("name", OVER_FACTS)
def test_facts_that_differ_in_a_space_are_refused(name):
    model, adapter = planted()
    one = model.facts[0]
    again = replace(one, clean_prompt=spaced(one.clean_prompt))
    with pytest.raises(PromptError, match=r"the same .*tokens"):
        OVER_FACTS[name](adapter, FactSet.of([one, again]))


def test_a_clean_prompt_may_have_two_corrupt_ones():
    model, adapter = planted()
    one = model.facts[0]
    other = next(f for f in model.facts if f.answer not in (one.answer, one.counterfactual_answer))
    corrupt = {"corrupt_prompt": one.clean_prompt.replace(one.subject, other.subject)}
    again = replace(one, **corrupt, counterfactual_answer=other.answer)
    assert len(trace_facts(adapter, FactSet.of([one, again], template="t"))) == 2
    assert causal_trace(adapter, again)


@ONCE
@pytest.mark.parametrize("name", OVER_PROMPTS)
def test_labelled_prompts_that_differ_in_a_space_are_refused(name):
    adapter, prompts = told()
    again = replace(prompts.prompts[0], id="again", group="again")
    doubled = PromptSet(
        "doubled",
        (*prompts.prompts, replace(again, text=spaced(again.text))),
        abstain=prompts.abstain,
    )
    with pytest.raises(PromptError, match=r"the same .*tokens"):
        OVER_PROMPTS[name](adapter, doubled)


def regrouped(prompts):
    """The same prompts, said to be of other groups."""
    each = tuple(replace(one, group=f"other {one.group}") for one in prompts)
    return replace(prompts, prompts=each)


@pytest.mark.guarantee(
    "green",
    "A direction is never tried on a prompt that it was fitted on, whatever group the prompt is "
    "said to be of.",
    sees="An ExperimentError that names the first of these prompts.",
)
@pytest.mark.parametrize("of", ["class means", "a probe"])
@pytest.mark.parametrize("tries", [steer, ablate_direction])
def test_a_direction_is_not_tried_on_what_it_was_fitted_on(tries, of):
    adapter, prompts = told()
    found = direction() if of == "class means" else probed().direction(3)
    with pytest.raises(ExperimentError, match=r"fitted on 24 of these prompts, as 'told-0'"):
        tries(adapter, regrouped(prompts), found)


@cache
def probed():
    return probe(*told(), repeats=1, shuffles=19, folds=2)


def test_long_prompts_are_shown_where_they_differ():
    begins = "Ana lives in Rome. " * 20
    with pytest.raises(PromptError) as refused:
        must_differ([f"{begins}Ben{begins}", f"{begins}Eva{begins}"], [(1, 2), (1, 2)])
    message = str(refused.value)
    assert "lives in Rome. BenAna lives" in message
    assert "lives in Rome. EvaAna lives" in message
    assert len(message) < 400
