"""Ablations in growing passes, against one pass for each with plain torch hooks."""

from functools import cache

import numpy as np
import pytest
import torch
from ablated_by_hooks import difference, logits_without, read, tiny_facts
from tiny import ARCHITECTURES, N_HEADS, adapter_of, tiny_module

from pytest_interp import FactSet
from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError, UnknownNameError, UnsupportedSiteError
from pytest_interp.experiments.ablations import ablate
from pytest_interp.experiments.circuits import circuit
from pytest_interp.experiments.members import every_component
from pytest_interp.options.ablation import AblationOptions

FACTS = FactSet.join("both lengths", [tiny_facts(2), tiny_facts(2, words=5)])
ONE = tiny_facts(1)
TOLERANCE = 1e-4
"""Float32 on tiny models; the two agree to about 1e-5."""
ALONE = ("head.2.3", "attn_out.3")
JOINT = {"joint": ("head.1.0", "head.1.2", "mlp_out.2", "head.3.1")}
ALL = {**{one: (one,) for one in ALONE}, **JOINT}


CLEAN = tuple(fact.clean_prompt for fact in FACTS.prompts)
TRIED = (0, 3)
"""One fact of each length."""


plain = cache(tiny_module)


@cache
def held(arch, text, component):
    return read(plain(arch), [text], component)


@cache
def without(arch, i, members, draws, positions):
    """The metric of a fact, mean over draws of what takes the place of components."""
    module, fact = plain(arch), FACTS.prompts[i]
    alike = [text for text in CLEAN if len(text.split()) == len(fact.clean_prompt.split())]
    values = [
        difference(logits_without(module, fact.clean_prompt, one, positions), fact)
        for one in draws(arch, fact.clean_prompt, alike, members)
    ]
    return np.mean(values)


def zero(arch, own, alike, members):
    return [dict.fromkeys(members, 0.0)]


def mean(arch, own, alike, members):
    return [
        {one: torch.cat([held(arch, text, one) for text in alike]).mean(0)[None] for one in members}
    ]


def mean_over_positions(arch, own, alike, members):
    flat = {one: torch.cat([held(arch, text, one)[0] for text in CLEAN]).mean(0) for one in members}
    return [{one: mean.expand(1, 9, *mean.shape) for one, mean in flat.items()}]


def each_other(arch, own, alike, members):
    return [{one: held(arch, text, one) for one in members} for text in alike if text != own]


WAYS = (
    ({"kind": "zero"}, zero, "all", None),
    ({"kind": "mean", "reference": "clean"}, mean, 2, (2,)),
    ({"kind": "mean", "reference": "clean"}, mean, "subject", (1,)),
    (
        {"kind": "mean", "reference": "clean", "over_positions": True},
        mean_over_positions,
        "last",
        (-1,),
    ),
    # of each length there is one other prompt
    ({"kind": "resample", "reference": "clean", "draws": 1}, each_other, "all", None),
)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_ablations_are_what_plain_hooks_give(arch, backend):
    adapter = adapter_of(arch, backend)
    for asked, draws, positions, at in WAYS:
        found = ablate(adapter, FACTS, ALONE, sets=JOINT, positions=positions, random=0, **asked)
        assert found.what == tuple(ALL)
        for i in TRIED:
            np.testing.assert_allclose(found.clean[i], without(arch, i, (), zero, None), atol=1e-4)
            expected = [without(arch, i, members, draws, at) for members in ALL.values()]
            np.testing.assert_allclose(found.ablated[i], expected, atol=TOLERANCE)


@pytest.mark.guarantee(
    "undefined",
    "Whether a model knows a fact that is ablated is asked of its corrupt prompt too, as it is.",
    sees="The fact is left out where that prompt does not prefer the other answer.",
)
@pytest.mark.parametrize("metric", ["logit_diff", "answer_prob"])
def test_corrupt_prompts_are_measured_as_they_are(metric):
    adapter = adapter_of("gpt2", "nnsight")
    found = ablate(adapter, FACTS, "head.2.3", kind="zero", random=0, metric=metric)
    module, prompts = plain("gpt2"), FACTS.prompts
    clean, corrupt = (
        [difference(logits_without(module, text, {}), fact) for text, fact in some]
        for some in (
            [(one.clean_prompt, one) for one in prompts],
            [(one.corrupt_prompt, one) for one in prompts],
        )
    )
    if metric == "logit_diff":
        np.testing.assert_allclose(found.clean, clean, atol=TOLERANCE)
        np.testing.assert_allclose(found.corrupt, corrupt, atol=TOLERANCE)
        assert found.preferences is None
    else:
        np.testing.assert_allclose(found.preferences, [clean, corrupt], atol=TOLERANCE)
        probs = [
            logits_without(module, one.clean_prompt, {"head.2.3": 0.0}).softmax(-1)
            for one in prompts
        ]
        answers = [adapter.answer_id(one.answer) for one in prompts]
        expected = [float(row[i]) for row, i in zip(probs, answers, strict=True)]
        np.testing.assert_allclose(found.ablated[:, 0], expected, atol=1e-6)
    alone = FactSet.join("mixed", [FACTS, tiny_facts(1, words=6, corrupt=False)])
    assert ablate(adapter, alone, "head.2.3", kind="zero", random=0).corrupt is None


def test_resampled_values_are_a_mean_over_draws():
    facts, module = tiny_facts(4), plain("llama")
    # as many draws as there are others: each is drawn once
    asked = {"kind": "resample", "reference": "clean", "draws": 3, "random": 0}
    found = ablate(adapter_of("llama", "nnsight"), facts, "head.1.2", **asked)
    fact, *others = facts.prompts
    values = [{"head.1.2": read(module, [one.clean_prompt], "head.1.2")} for one in others]
    drawn = [difference(logits_without(module, fact.clean_prompt, v), fact) for v in values]
    np.testing.assert_allclose(found.ablated[0], np.mean(drawn), atol=TOLERANCE)


def test_what_a_fact_is_given_hangs_on_the_seed_and_on_no_other_fact():
    facts, adapter = tiny_facts(6), adapter_of("llama", "nnsight")
    reference = [fact.clean_prompt for fact in tiny_facts(9).prompts]
    asked = {"kind": "resample", "draws": 2, "reference": reference, "random": 0}
    found = ablate(adapter, facts, "head.1.1", **asked)
    part = ablate(adapter, facts.where(lambda fact: fact.id in ("4-2", "4-4")), "head.1.1", **asked)
    np.testing.assert_allclose(part.ablated, found.ablated[[2, 4]], atol=TOLERANCE)
    other = ablate(adapter, facts, "head.1.1", seed=1, **asked)
    assert np.abs(other.ablated - found.ablated).max() > 10 * TOLERANCE


@pytest.mark.parametrize("backend", backend_names())
def test_all_components_share_few_passes(passes, backend):
    adapter, rows = passes(backend)
    components = every_component(adapter)
    assert len(components) == adapter.n_layers * (N_HEADS + 1)
    ablate(adapter, tiny_facts(2), components, kind="zero", random=0)
    # one for clean prompts and all components, one for corrupt prompts, one for the control
    assert len(rows) == 3
    assert max(rows) == 2 * (len(components) + 1)


def test_random_sets_are_of_the_same_kinds_and_others():
    adapter = adapter_of("llama", "nnsight")
    sets = {"pair": ["head.1.2", "head.3.0"], "mixed": ["head.0.0", "mlp_out.1"]}
    found = ablate(adapter, ONE, ["head.1.1"], sets=sets, kind="zero", random=6)
    for what, size in (("head.1.1", 1), ("pair", 2), ("mixed", 2)):
        beside = [found.random_members[i] for i in found.beside(what)]
        assert len(beside) == 6 == len(set(beside))
        own = set(found.members[found.index(what)])
        for members in beside:
            assert len(members) == size
            assert not own & set(members)
    # the same measurement, whether it was asked for or drawn
    for members, values in zip(found.random_members, found.random_ablated.T, strict=True):
        again = ablate(adapter, ONE, sets={"again": members}, kind="zero", random=0)
        np.testing.assert_allclose(again.ablated[:, 0], values, atol=TOLERANCE)


def test_ablating_nothing_changes_nothing():
    found = ablate(adapter_of("gemma3", "nnsight"), FACTS, ALONE, kind="zero")
    (control,) = found.controls
    assert control.name == "ablating nothing"
    assert control.value < 1e-6


@pytest.mark.guarantee(
    "red",
    "An ablation says what it replaces by what: reference prompts of another length, missing "
    "ones, and components that the model lacks are refused.",
    sees="A refusal that names the prompt or the component, and what to change.",
)
def test_what_cannot_be_ablated_is_refused():
    adapter = adapter_of("llama", "nnsight")
    longer = tiny_facts(1, words=5).prompts[0].clean_prompt
    for components, asked, error, said in (
        ((), {}, ExperimentError, "nothing is ablated: name a component"),
        ("head.1.9", {}, ExperimentError, "no head 9"),
        ("k.1.3", {}, ExperimentError, "key-value heads are 0 to 1"),
        ("head.9.0", {}, UnsupportedSiteError, "layers 0 to 3"),
        ("hat.1.0", {}, UnknownNameError, "Did you mean 'head'"),
        ("bias.1", {}, ExperimentError, "bias"),
        ("head.1.1", {"kind": "none"}, UnknownNameError, "zero"),
        ("head.1.1", {"kind": "mean"}, ExperimentError, "needs reference="),
        ("head.1.1", {"kind": "mean", "reference": ()}, ExperimentError, "needs reference="),
        ("head.1.1", {"reference": "clean"}, ExperimentError, "reads no reference"),
        ("head.1.1", {"kind": "mean", "reference": [longer]}, ExperimentError, f"{longer}.* has 5"),
        (
            "head.1.1",
            {"kind": "resample", "reference": "clean"},
            ExperimentError,
            "draws=4, and of the reference prompts 0",
        ),
        ("head.1.1", {"positions": "second"}, ExperimentError, "no token 'second'.*subject_last"),
        ("head.1.1", {"positions": 7}, ExperimentError, "no token 7: its tokens"),
        ("head.1.1", {"random": 2}, ExperimentError, "at least 5 random sets"),
        ("head.1.1", {"sets": {"head.1.1": ["head.1.2"]}}, ExperimentError, "another name"),
        ("head.1.1", {"over_positions": True}, ExperimentError, "is of means"),
    ):
        with pytest.raises(error, match=said):
            ablate(adapter, ONE, components, **{"kind": "zero", **asked})
    with pytest.raises(ExperimentError, match="no reference prompt has as many"):
        ablate(adapter, FACTS, "head.1.1", kind="mean", reference=CLEAN[:2])


@pytest.mark.guarantee(
    "green",
    "What is ablated is never replaced by what it holds, as by the mean over that prompt alone: "
    "everything would survive.",
    sees="An ExperimentError that names the prompt, and asks for others of its length.",
)
@pytest.mark.parametrize("reference", ["clean", [ONE.prompts[0].clean_prompt]])
def test_no_prompt_is_its_own_reference(reference):
    adapter = adapter_of("llama", "nnsight")
    with pytest.raises(ExperimentError, match="would be replaced by what it holds"):
        ablate(adapter, ONE, "head.1.1", kind="mean", reference=reference)
    with pytest.raises(ExperimentError, match="would be replaced by what it holds"):
        circuit(adapter, ONE, "head.1.1", ablation="mean", reference=reference)
    # over all tokens it is a mean of others, too
    ablate(adapter, ONE, "head.1.1", kind="mean", reference=reference, over_positions=True)


def test_components_may_come_from_an_iterator():
    adapter = adapter_of("llama", "nnsight")
    asked = {"kind": "zero", "sets": {"both": iter(["head.0.1", "head.2.2"])}}
    found = ablate(adapter, ONE, iter(["head.1.1"]), **asked)
    again = ablate(adapter, ONE, "head.1.1", **asked | {"sets": {"both": ("head.0.1", "head.2.2")}})
    assert found.what == ("head.1.1", "both")
    np.testing.assert_array_equal(found.ablated, again.ablated)


def test_options_are_one_value():
    options = AblationOptions(kind="zero", positions="last", random=0)
    adapter = adapter_of("gpt2", "nnsight")
    found = ablate(adapter, ONE, "mlp_out.0", options=options, positions="all")
    assert found.how == {"ablation": "zero", "positions": "all", "seed": 0}
