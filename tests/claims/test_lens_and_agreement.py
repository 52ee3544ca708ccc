"""Claims about the lens and about two backends, on planted models."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import pytest
from made_results import MADE, lens

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
from pytest_interp.results import Decision, Result, Tolerance


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


@dataclass(frozen=True)
class Votes(Result):
    """A result of somebody else, with names that results of this package use for other things."""

    peak: int = 3
    top_token: tuple[str, ...] = ("a", "b")
    leads: tuple[float, ...] = (2.0, 1e-6)
    signs: tuple[float, ...] = (-1.0, 1e-6, 2.0)
    first: int = 1
    rank: int = 5
    by_key: Mapping[str, float | None] = field(default_factory=lambda: {"x": 1.0})
    backend: str = "transformer_lens"
    measured: tuple[str, ...] = ("leads", "signs", "by_key", "rank")
    decides: Mapping[str, Decision] = field(
        default_factory=lambda: {
            "top_token": Decision("leads"),
            "first": Decision("signs", "sign"),
            "rank": Decision("signs", "sign"),
        }
    )

    @property
    def provenance(self):
        return replace(MADE, backend=self.backend)

    def to_json(self):
        names = ("peak", "top_token", "leads", "signs", "first", "rank", "by_key")
        values = {name: getattr(self, name) for name in names}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def tolerances(self):
        return dict.fromkeys(self.measured, Tolerance(1e-3))

    def findings(self):
        return self.decides


def votes_agree(**changed):
    return check_backends_agree(Votes(), replace(Votes(backend="nnsight"), **changed))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"peak": 4}, "peak is 3 and 4"),  # no finding, whatever its name
        ({"rank": 9}, "rank is 5 and 9"),  # nothing that decides it flipped
        ({"top_token": ("c", "b")}, "top_token.0 is 'a' and 'c'"),  # it led by 2
        ({"first": 2}, "first is 1 and 2"),  # no sign changed
        ({"first": 2, "signs": (-1.0, -0.5, 2.0)}, "0.5, in signs. Differing as well: first."),
        ({"first": None}, "first is 1 and None"),
        ({"top_token": ("a",)}, "top_token is"),
        ({"leads": (2.0,)}, "leads has two shapes"),
        ({"by_key": {"y": 1.0}}, "by_key has two shapes"),
        ({"by_key": {"x": 1.1}}, "largest difference is 0.1, in by_key"),
        ({"by_key": {"x": None}}, "largest difference is inf, in by_key"),
        ({"signs": (-1.0, 1e-6, 2.1)}, "largest difference is 0.1, in signs"),
    ],
    ids=str,
)
def test_what_differs_without_a_reason_is_a_disagreement(changed, says):
    verdict = votes_agree(**changed)
    assert verdict.status is Status.FAILED
    assert says in verdict.sentence


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({}, ""),
        ({"top_token": ("a", "c")}, "Differing within that: top_token."),
        ({"first": 2, "signs": (-1.0, -1e-6, 2.0)}, "Differing within that: first."),
        ({"rank": 5.0005}, "Differing within that: rank."),  # by its own tolerance
    ],
    ids=str,
)
def test_a_finding_that_rounding_decides_may_differ(changed, note):
    verdict = votes_agree(**changed)
    assert verdict.status is Status.PASSED
    assert verdict.sentence.endswith(note)


def test_a_finding_of_a_lens_is_decided_by_its_margin():
    other = lens(9)
    flipped = {"answer_rank": other.answer_rank, "top_token": other.top_token}

    def agree(margin):
        """The answer leads at layer 8 by this margin under one backend, and trails by it."""
        a, b = lens(margin=margin), lens(margin=-margin, backend="nnsight")
        return check_backends_agree(a, replace(b, **flipped), atol=1.0)

    verdict = agree(1e-5)
    assert verdict.status is Status.PASSED
    for name in ("answer_rank", "crossover_layer", "settled_layer", "top_token"):
        assert name in verdict.sentence
    verdict = agree(0.7)
    assert verdict.effect.value == pytest.approx(1.4)
    assert verdict.status is Status.FAILED
    same = replace(lens(backend="nnsight"), top_token=other.top_token)
    verdict = check_backends_agree(lens(), same)
    assert verdict.sentence.startswith("top_token.8 is ' Paris' and ' the'; top_margin, which")


@pytest.mark.guarantee(
    "green",
    "Two backends do not agree on nothing: no prompts, or no number that is compared.",
    sees="A ClaimError that says what to give.",
)
@pytest.mark.parametrize(("measured", "leads"), [((), ()), (("leads",), ())])
def test_results_that_hold_no_number_are_no_agreement(measured, leads):
    one = Votes(measured=measured, leads=leads, decides={})
    with pytest.raises(ClaimError, match=r"no number to compare: name .* in Votes.tolerances"):
        check_backends_agree(one, replace(one, backend="nnsight"))
