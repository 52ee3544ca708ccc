"""Steering and projecting out, against one pass a cell with plain torch hooks."""

from dataclasses import replace

import hooks
import numpy as np
import pytest
import torch
from labelled_sets import tiny_prompts
from tiny import ARCHITECTURES, adapter_of, tiny_module, tiny_tokenizer
from told_hooks import adding, changed, ids_of, margin

from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError, InterpError, PromptError
from pytest_interp.experiments.directions import class_direction
from pytest_interp.experiments.projection import ablate_direction
from pytest_interp.experiments.steering import steer
from pytest_interp.options.steering import SteerOptions
from pytest_interp.results.direction import Direction

PROMPTS = tiny_prompts(12)
NEUTRAL = ("w3 w4 w50 w22", "w20", "w30 w31 w32 w33")
DOSES = (-1.5, 2.0, 0.5)
TOLERANCE = 2e-4


def direction(layer=1, site="resid_post", scale=1.0, seed=1):
    vector = np.random.default_rng(seed).normal(size=32) * scale
    return Direction(vector=vector, layer=layer, site=site)


def random_ones(given, n, seed):
    drawn = np.random.default_rng(seed).normal(size=(n, len(given.vector)))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True) * given.norm


def abstaining():
    return tiny_tokenizer()("w1 w5")["input_ids"]


CASES = (
    ("resid_post", "last", None),
    ("resid_post", "all", (0, 2)),
    ("mlp_out", "last", (1, 3)),
    ("attn_out", "all", None),
)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize(("site", "positions", "layers"), CASES)
def test_steering_is_what_single_passes_give(arch, backend, site, positions, layers):
    given, module = direction(site=site), tiny_module(arch)
    found = steer(
        adapter_of(arch, backend),
        PROMPTS,
        given,
        doses=DOSES,
        layers=layers,
        positions=positions,
        neutral=NEUTRAL,
        seed=4,
    )
    assert found.doses == (-1.5, 0.0, 0.5, 2.0)
    vectors = [given.vector, *random_ones(given, 20, seed=4)]
    tokens = ids_of(tiny_tokenizer(), PROMPTS)

    def run(ids, way, dose):
        add = adding(dose * vectors[way], positions)
        return changed(module, ids, [(site, layer, add) for layer in layers or (1,)])

    for way in (0, 1, 20):
        odds = found.log_odds if way == 0 else found.random_log_odds[way - 1]
        for row, dose in enumerate(found.doses):
            for i in range(0, 12, 2 if way == 0 else 7):
                logits = run(tokens[i], way, dose)
                np.testing.assert_allclose(
                    odds[row, i], margin(logits, abstaining()), atol=TOLERANCE
                )
                answer = PROMPTS.prompts[i].answer
                if way == 0 and answer is None:
                    assert np.isnan(found.right[row, i])
                elif way == 0:
                    top = tiny_tokenizer().decode([int(logits.argmax())])
                    assert found.right[row, i] == (top == answer)
            kl = []
            for text in NEUTRAL:
                ids = torch.tensor([tiny_tokenizer()(text)["input_ids"]])
                p, q = (run(ids, way, d).double().log_softmax(0) for d in (0.0, dose))
                kl.append(float((p.exp() * (p - q)).sum()))
            measured = found.neutral_kl if way == 0 else found.random_neutral_kl[way - 1]
            np.testing.assert_allclose(measured[row], np.mean(kl), atol=TOLERANCE)


@pytest.mark.parametrize("site", ["resid_post", "mlp_out"])
def test_the_direction_between_classes_is_the_difference_of_their_means(site):
    module, told = tiny_module("qwen3"), np.array(PROMPTS.labels) == "told"
    states = np.array(
        [
            hooks.read(module, ids, site, 2)[0, -1].numpy()
            for ids in ids_of(tiny_tokenizer(), PROMPTS)
        ]
    )
    found = class_direction(adapter_of("qwen3", "nnsight"), PROMPTS, 2, site)
    np.testing.assert_allclose(
        found.vector, states[told].mean(0) - states[~told].mean(0), atol=1e-5
    )
    tried = tiny_prompts(12, seed=5)
    tried = replace(
        tried, prompts=tuple(replace(p, group=f"other {p.group}") for p in tried.prompts)
    )
    steered = steer(adapter_of("qwen3", "nnsight"), tried, found, neutral=NEUTRAL)
    states = np.array(
        [hooks.read(module, ids, site, 2)[0, -1].numpy() for ids in ids_of(tiny_tokenizer(), tried)]
    )
    along = states @ found.vector / np.linalg.norm(found.vector)
    np.testing.assert_allclose(steered.projections, along, atol=1e-4)


def refused(error, said, prompts=PROMPTS, given=None, **asked):
    for run in (steer, ablate_direction):
        with pytest.raises(error, match=said):
            run(adapter_of("gpt2", "nnsight"), prompts, given or direction(), **asked)


@pytest.mark.guarantee(
    "red",
    "A direction is added only to the weights that it was found in, and tried only on groups that "
    "it was not fitted on.",
    sees="A refusal that says what to change.",
)
def test_directions_of_another_model_and_fitted_groups_are_refused():
    refused(
        ExperimentError, "has 31 numbers, and tiny-gpt2 is 32 wide", given=Direction(np.ones(31), 1)
    )
    own = class_direction(adapter_of("gpt2", "nnsight"), PROMPTS, 1)
    refused(ExperimentError, "other weights", given=replace(own, fingerprint="0" * 64))
    refused(ExperimentError, "fitted, tried = prompts.split", given=own)
    other = class_direction(adapter_of("llama", "nnsight"), PROMPTS, 1)
    refused(ExperimentError, "other weights", given=replace(other, groups=frozenset()))


def test_a_direction_of_heads_cannot_be_added_to_the_stream():
    refused(ExperimentError, "found at head, which holds", given=direction(site="head"))


def test_sets_that_cannot_be_steered_are_refused():
    refused(PromptError, "two are compared", prompts=PROMPTS.of("told"))
    refused(PromptError, "names no abstaining answer", prompts=replace(PROMPTS, abstain=()))
    refused(InterpError, "w1 w2", prompts=replace(PROMPTS, abstain=("w1 w2",)))
    with pytest.raises(ExperimentError, match="has layers 0 to 3"):
        steer(adapter_of("gpt2", "nnsight"), PROMPTS, direction(layer=9))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"doses": ()}, "give at least one"),
        ({"doses": (0.0, 1.0)}, "none of them 0"),
        ({"doses": (1.0, 1.0)}, "each once"),
        ({"doses": (float("nan"), 1.0)}, "finite"),
        ({"random": 19}, "at least 20 random directions"),
        ({"positions": "first"}, "positions"),
        ({"neutral": ()}, "neutral"),
    ],
)
def test_options_that_make_no_sense_are_refused(asked, said):
    with pytest.raises(InterpError, match=said):
        SteerOptions(**asked)


@pytest.mark.parametrize("vector", [np.zeros(4), np.array([1.0, np.nan]), np.ones((2, 2))])
def test_a_direction_is_one_finite_vector(vector):
    with pytest.raises(ExperimentError, match="a direction is one vector"):
        Direction(vector, 0)
