"""A real cluster of two nodes on this machine, which the tests start and stop."""

import numpy as np
import pytest
from mortal import MORTAL
from planted_sets import planted_facts
from two_nodes import two_nodes

pytest.importorskip("ray", reason="Ray is not installed: pip install 'pytest-interp[ray]'")
pytestmark = [
    pytest.mark.slow,  # each worker of a cluster imports torch
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
]

from pytest_interp import assert_fact_localized, progress  # noqa: E402
from pytest_interp.claims.verdict import hearing  # noqa: E402
from pytest_interp.errors import PromptError  # noqa: E402
from pytest_interp.experiments import trace_facts  # noqa: E402
from pytest_interp.experiments.spreading import spreading  # noqa: E402
from pytest_interp.facts import FactPrompt, FactSet  # noqa: E402
from pytest_interp.models import load_model  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where workers write what they measured."""
    return tmp_path_factory.mktemp("mortal")


@pytest.fixture(scope="module")
def crew(folder):
    import ray

    from pytest_interp.cluster.nodes import RayCrew

    with two_nodes({"MORTAL": str(folder)}) as cluster:
        made = RayCrew(cluster.address)
        assert len(ray.nodes()) == 2
        yield made
        made.close()


@pytest.fixture
def over(crew):
    from pytest_interp.cluster.spread import Over

    return Over(crew)


@pytest.mark.guarantee(
    "green",
    "A verdict over facts that a Ray cluster computed is the same as on one machine, to the last "
    "digit, also where a worker dies in the middle.",
    sees="the part of that worker is computed again by another, and no other part",
)
def test_a_worker_that_dies_changes_nothing(over, folder):
    adapter, facts = load_model("planted-gpt2", "transformer_lens", "cpu"), planted_facts()

    def verdict(traces):
        heard = []
        with hearing(heard.append):
            assert_fact_localized(traces, "resid_post@subject", (0, 3))
        return heard[-1].to_json()

    def work_of_one_machine():
        log = folder / "measured"
        found = log.read_text().split()
        log.unlink()
        return found

    alone = trace_facts(adapter, facts, metric=MORTAL)
    told = []
    with progress.listening(lambda *said: told.append(said)), spreading(over):
        apart = trace_facts(adapter, facts, metric=MORTAL)
        quiet = work_of_one_machine()
        (folder / "die").touch()
        again = trace_facts(adapter, facts, metric=MORTAL)
        torn = work_of_one_machine()

    assert len(set(quiet)) == 2, "both nodes worked"
    assert 2 <= len(set(torn)) <= 3, "one died, and another did its part"
    # what the dead one measured last is all that was measured twice
    assert len(torn) == len(quiet) + 1
    for whole in (apart, again):
        assert whole.to_json() == alone.to_json()
        assert whole.controls == alone.controls
        for mine, its in zip(whole, alone, strict=True):
            np.testing.assert_array_equal(mine.patched_metric, its.patched_metric)
            assert mine.provenance.fingerprint == its.provenance.fingerprint
        assert verdict(whole) == verdict(alone)
    lines = [what for what, done, total in told if total == len(facts)]
    assert lines
    assert all("trace_facts of planted-gpt2" in line for line in lines)


@pytest.mark.guarantee(
    "messages",
    "An error in a part that a cluster computes is raised as it is.",
    sees="the same error as on one machine",
)
def test_an_error_in_a_part_is_its_own(over):
    adapter = load_model("planted-gpt2", "transformer_lens", "cpu")
    uneven = FactPrompt(
        clean_prompt="visitors say that Acropolis stands in",
        corrupt_prompt="visitors say Alhambra stands in",
        answer=" Paris",
        counterfactual_answer=" Rome",
    )
    facts = FactSet.of([planted_facts().prompts[0], uneven])
    with pytest.raises(PromptError) as alone:
        trace_facts(adapter, facts)
    with spreading(over), pytest.raises(PromptError) as there:
        trace_facts(adapter, facts)
    assert str(there.value) == str(alone.value)
