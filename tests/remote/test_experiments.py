"""Every shipped experiment, its runs sent as to a server: the same numbers, or why not."""

from dataclasses import replace

import pytest

from pytest_interp import (
    FactPrompt,
    FactSet,
    ablate,
    ablate_direction,
    attention_patterns,
    attribution_patching,
    causal_trace,
    causal_traces,
    circuit,
    direct_logit_attribution,
    induction_scores,
    knock_out_attention,
    logit_lens,
    path_patching,
    probe,
    steer,
    trace_heads,
    trace_joint,
    trajectories,
)
from pytest_interp.adapters import open_adapter
from pytest_interp.errors import UnsupportedSiteError
from pytest_interp.experiments.lens import lens_facts
from pytest_interp.experiments.registry import EXPERIMENTS
from pytest_interp.options import Gaussian
from pytest_interp.results.direction import Direction
from tests.labelled_sets import tiny_prompts
from tests.tiny import tiny_weights

FACT = FactPrompt(
    clean_prompt="w3 w10 w7 w9",
    corrupt_prompt="w3 w30 w7 w9",
    answer="w13",
    counterfactual_answer="w18",
    subject="w10",
)
PROMPTS = tiny_prompts()
DIRECTION = Direction([1.0, *[0.0] * 31], layer=1)
SAME = {
    "ablate": lambda m: ablate(m, FACT, ["head.1.1"], kind="zero"),
    "attribution_patching": lambda m: attribution_patching(m, FACT),
    "attribution_patching in steps": lambda m: attribution_patching(m, FACT, steps=2),
    "causal_trace": lambda m: causal_trace(m, FACT, site="resid_mid"),
    "causal_traces": lambda m: causal_traces(m, [FACT], site="head")[0],
    "causal_trace of noise": lambda m: causal_trace(
        m, FACT, corruption=Gaussian(samples=2), controls=False
    ),
    "circuit": lambda m: circuit(
        m, FACT, ["head.1", "mlp_out.2"], ablation="mean", reference="corrupt"
    ),
    "direct_logit_attribution": lambda m: direct_logit_attribution(m, FACT),
    "logit_lens": lambda m: logit_lens(m, FACT.clean_prompt, FACT.answer),
    "logit_lenses": lambda m: lens_facts(m, FactSet.of([FACT])),
    "path_patching": lambda m: path_patching(m, FACT, receivers=["v.2.1", "mlp_out.2@last"]),
    "probe": lambda m: probe(m, PROMPTS, folds=2, shuffles=19, repeats=2),
    "ablate_direction": lambda m: ablate_direction(m, PROMPTS, DIRECTION),
    "steer": lambda m: steer(m, PROMPTS, DIRECTION, doses=(1.0, 2.0), neutral=("w3 w4",)),
    "trace_heads": lambda m: trace_heads(m, FACT, controls=False),
    "trace_joint": lambda m: trace_joint(m, FACT, {"two": ["head.1.1@last", "head.1.2@last"]}),
    "trajectories": lambda m: trajectories(m, PROMPTS),
}
NOT = {
    "attention_patterns": (
        lambda m: attention_patterns(m, FACT.clean_prompt),
        UnsupportedSiteError,
        "pattern.* cannot be reached in runs that are sent to a server",
    ),
    "induction_scores": (
        lambda m: induction_scores(m, n=1, length=5),
        UnsupportedSiteError,
        "pattern.* cannot be reached",
    ),
    "knock_out_attention": (
        lambda m: knock_out_attention(m, FACT, "last", "subject", window=2),
        UnsupportedSiteError,
        "pattern.* cannot be reached",
    ),
}


def without_provenance(value):
    """A result as JSON, at every depth without what says how it was made."""
    if isinstance(value, dict):
        return {k: without_provenance(v) for k, v in value.items() if k != "provenance"}
    return [without_provenance(one) for one in value] if isinstance(value, list) else value


def test_each_shipped_experiment_is_here():
    shipped = {
        name
        for name in EXPERIMENTS.names()
        if EXPERIMENTS.find(name).target.__module__.startswith("pytest_interp.")
    }
    assert {name.partition(" ")[0] for name in (*SAME, *NOT)} == shipped


@pytest.fixture(scope="module")
def here():
    return open_adapter(tiny_weights("llama"), "nnsight")


@pytest.fixture(scope="module")
def sent():
    return open_adapter(tiny_weights("llama"), "nnsight", remote="local")


KEPT = pytest.mark.guarantee(
    "red",
    "With remote: local, which sends each run as to a server, an experiment gives the numbers of"
    " this process.",
    sees="The same results; what no server can run is refused by name with the reason.",
)


@KEPT
@pytest.mark.parametrize("experiment", SAME)
def test_the_numbers_are_those_of_this_process(experiment, here, sent):
    expected, found = (SAME[experiment](adapter).to_json() for adapter in (here, sent))
    assert str(without_provenance(found)) == str(without_provenance(expected))


@KEPT
def test_a_map_of_several_passes_is_that_of_this_process(here, sent):
    text = " ".join(f"w{n}" for n in range(20, 44))
    long = replace(FACT, clean_prompt=f"w3 w10 {text}", corrupt_prompt=f"w3 w30 {text}")
    expected, found = (causal_trace(m, long, max_rows=16, controls=False) for m in (here, sent))
    assert found.recovery.tolist() == expected.recovery.tolist()


@KEPT
@pytest.mark.parametrize("experiment", NOT)
def test_what_no_server_can_run_is_refused_with_the_reason(experiment, sent):
    call, error, reason = NOT[experiment]
    with pytest.raises(error, match=reason):
        call(sent)
