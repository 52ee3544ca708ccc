"""Every shipped experiment, its runs sent as to a server: the same numbers, or why not."""

from dataclasses import replace

import pytest
from every_experiment import CALLS, FACT
from tiny import tiny_weights

from pytest_interp import attribution_patching, causal_trace
from pytest_interp.adapters import open_adapter
from pytest_interp.errors import UnsupportedSiteError
from pytest_interp.experiments.registry import EXPERIMENTS

NOT = ("attention_patterns", "induction_scores", "knock_out_attention")
"""They need the site ``pattern``."""
ALSO = ("causal_trace noise", "causal_trace resid_mid", "path_patching v", "path_patching q")
SAME = {
    name: call
    for name, call in CALLS.items()
    if name in ALSO or (" " not in name and name not in NOT)
}
SAME["attribution_patching in steps"] = lambda m: attribution_patching(m, FACT, steps=2)


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
    with pytest.raises(UnsupportedSiteError, match=r"pattern.* cannot be reached in runs that are"):
        CALLS[experiment](sent)
