"""Claims about the lens and about two backends, on planted models."""

from dataclasses import replace
from functools import cache

import pytest

from pytest_interp import (
    FactSet,
    assert_backends_agree,
    assert_crystallises,
    causal_trace,
    logit_lens,
    trace_facts,
)
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.claims import Status, check_backends_agree, check_crystallises
from pytest_interp.errors import ClaimError, ClaimFailed, ClaimInconclusive
from pytest_interp.planted import planted_model


@cache
def planted(seed=0, backend="transformer_lens"):
    model = planted_model("gpt2", n_layers=5, store_layer=1, read_layer=3, seed=seed)
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    return model, open_adapter(weights, backend)


def lenses():
    model, adapter = planted()
    return [
        logit_lens(adapter, fact.clean_prompt, fact.answer)
        for template in range(4)
        for fact in model.facts_in(template)
    ]


def test_crystallises_by_the_reading_layer_and_no_earlier():
    (one, *_) = lenses()
    assert assert_crystallises(one, by_layer=3, not_before=3)
    with pytest.raises(ClaimFailed, match="is the top token from layer 3"):
        assert_crystallises(one, by_layer=2)
    assert check_crystallises(one, by_layer=4, not_before=4).status is Status.FAILED


def test_crystallises_over_many_prompts():
    verdict = assert_crystallises(lenses(), by_layer=3)
    assert (verdict.n_prompts, verdict.n_left_out, verdict.confidence) == (16, 0, 0.95)
    # one is known and one is not: no interval, and it is counted
    model, adapter = planted()
    wrong = logit_lens(adapter, model.facts[0].clean_prompt, model.facts[1].answer)
    verdict = check_crystallises([lenses()[1], wrong], by_layer=3, min_known=0.5)
    assert (verdict.n_prompts, verdict.n_left_out, verdict.confidence) == (1, 1, None)
    assert check_crystallises(lenses(), by_layer=2).status is Status.FAILED


def test_an_answer_that_the_model_does_not_give_is_undecided():
    model, adapter = planted()
    wrong = logit_lens(adapter, model.facts[0].clean_prompt, model.facts[1].answer)
    with pytest.raises(ClaimInconclusive, match="answers 0 of 1 prompts"):
        assert_crystallises(wrong, by_layer=4)
    (one, *_) = lenses()
    lead = one.answer_margin[-1]
    assert check_crystallises(one, by_layer=4, min_margin=lead - 0.1)
    undecided = check_crystallises(one, by_layer=4, min_margin=lead + 0.1)
    assert undecided.status is Status.INCONCLUSIVE
    with pytest.raises(ClaimError, match="the lens read layers 0 to 4"):
        check_crystallises(wrong, by_layer=5)


def test_each_prompt_counts_once_and_has_its_template():
    one, other, *_ = lenses()
    with pytest.raises(ClaimError, match="is given twice"):
        check_crystallises([one, other, one], by_layer=3)
    for clusters in (["a"], ["a"] * 3):
        with pytest.raises(ClaimError, match=f"names {len(clusters)} templates for 2"):
            check_crystallises([one, other], by_layer=3, clusters=clusters)
    with pytest.raises(ClaimError, match="at least one"):
        check_crystallises([], by_layer=3)


def test_backends_agree_on_distributions_and_maps():
    model, first = planted()
    _, second = planted(backend=backend_names()[1])
    fact = model.facts[0]
    assert assert_backends_agree(first, second, [fact.clean_prompt, fact.corrupt_prompt])
    assert assert_backends_agree(causal_trace(first, fact), causal_trace(second, fact))
    prompt, answer = fact.clean_prompt, fact.answer
    assert assert_backends_agree(*(logit_lens(a, prompt, answer) for a in (first, second)))


def test_backends_agree_on_sets():
    model, first = planted()
    _, second = planted(backend=backend_names()[1])
    _, other = planted(seed=5, backend=backend_names()[1])
    facts = FactSet.of(model.facts)
    traced, *others = (trace_facts(adapter, facts) for adapter in (first, second, other))
    verdict = assert_backends_agree(traced, others[0])
    assert verdict.n_prompts == len(facts)
    assert "causal_traces" in verdict.claim
    with pytest.raises(ClaimError, match="their fingerprint is"):
        check_backends_agree(traced, others[1])
    fewer = trace_facts(second, facts.take(2))
    assert check_backends_agree(traced, fewer).status is Status.FAILED


def test_one_backend_does_not_agree_with_itself():
    model, adapter = planted()
    trace = causal_trace(adapter, model.facts[0])
    with pytest.raises(ClaimError, match="two backends are compared, got transformer_lens and tra"):
        check_backends_agree(adapter, adapter, model.facts[0].clean_prompt)
    with pytest.raises(ClaimError, match="two backends are compared"):
        check_backends_agree(trace, trace)
    with pytest.raises(ClaimError, match="without a provenance"):
        check_backends_agree(trace, replace(trace, provenance=None))


def test_undefined_under_both_backends_is_undecided_and_under_one_a_difference():
    model, first = planted()
    _, second = planted(backend=backend_names()[1])
    one, other = (causal_trace(adapter, model.facts[0]) for adapter in (first, second))
    lost = [replace(trace, corrupt_metric=one.clean_metric) for trace in (one, other)]
    lost[1] = replace(lost[1], clean_metric=lost[0].clean_metric)
    assert check_backends_agree(*lost).status is Status.INCONCLUSIVE
    assert check_backends_agree(lost[0], other, atol=99).status is Status.FAILED


@pytest.mark.guarantee(
    "green",
    "Two models are no agreement of two backends, whatever their numbers.",
    sees="A ClaimError with the two fingerprints, or the two dtypes.",
)
def test_different_models_do_not_agree():
    model, first = planted()
    _, other = planted(seed=5, backend=backend_names()[1])
    fact = model.facts[0]
    with pytest.raises(ClaimError, match="two adapters are not of one model: their fingerprint"):
        check_backends_agree(first, other, fact.clean_prompt)
    a, b = causal_trace(first, fact), causal_trace(other, fact)
    with pytest.raises(ClaimError, match=r"not of one model: their fingerprint is .* the same wei"):
        check_backends_agree(a, b)
    same = replace(b.provenance, fingerprint=a.provenance.fingerprint)
    posing = replace(b, provenance=same)
    assert check_backends_agree(a, posing, atol=1e-9).status is Status.FAILED
    in_half = replace(posing, provenance=replace(same, dtype="float16"))
    with pytest.raises(ClaimError, match="their dtype is 'float32' and 'float16'"):
        check_backends_agree(a, in_half)


@pytest.mark.guarantee(
    "green",
    "Two models are no agreement of two backends, whatever their numbers.",
    sees="A ClaimError with the two fingerprints, or the two dtypes.",
)
def test_weights_that_differ_by_next_to_nothing_are_two_models():
    model, first = planted()
    other = first.weights.copy()
    next(other.module.parameters()).data.mul_(1 + 1e-7)
    near = open_adapter(other, backend_names()[1])
    with pytest.raises(ClaimError, match="two adapters are not of one model: their fingerprint"):
        check_backends_agree(first, near, model.facts[0].clean_prompt)
    same = open_adapter(first.weights.copy(), backend_names()[1])
    assert check_backends_agree(first, same, model.facts[0].clean_prompt)


class Posing(Weights):
    """Weights with the fingerprint of others."""

    fingerprint = planted()[1].weights.fingerprint


def test_distributions_that_differ_are_a_disagreement():
    model, first = planted()
    other = planted(seed=5)[1].weights
    posing = Posing("planted", other.module, other.tokenizer, "planted")
    with pytest.raises(ClaimFailed, match="largest KL divergence"):
        assert_backends_agree(
            first, open_adapter(posing, backend_names()[1]), model.facts[0].clean_prompt
        )


@pytest.mark.guarantee(
    "green",
    "Two backends do not agree on nothing: no prompts, or no number that is compared.",
    sees="A ClaimError that says what to give.",
)
def test_only_the_like_can_be_compared():
    model, adapter = planted()
    fact = model.facts[0]
    trace = causal_trace(adapter, fact)
    lens = logit_lens(adapter, fact.clean_prompt, fact.answer)
    with pytest.raises(ClaimError, match="cannot compare TraceResult with LensResult"):
        check_backends_agree(trace, lens)
    for nothing in (None, "", [], [""], iter(()), (text for text in [])):
        with pytest.raises(ClaimError, match="prompts to compare them on"):
            check_backends_agree(adapter, adapter, nothing)


# ------------------------------------------------------------------------ discrete findings
