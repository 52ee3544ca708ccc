"""A whole node of a real cluster that is gone in the middle of the work."""

import time

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

from pytest_interp.cluster.spread import Over  # noqa: E402
from pytest_interp.experiments import trace_facts  # noqa: E402
from pytest_interp.experiments.spreading import spreading  # noqa: E402
from pytest_interp.models import load_model  # noqa: E402


@pytest.mark.guarantee(
    "green",
    "A node of a Ray cluster that is gone in the middle of the work changes no number.",
    sees="its parts are computed again by the nodes that are left, and the verdict is the same",
)
def test_a_node_that_is_gone_changes_nothing(tmp_path):
    import ray

    from pytest_interp.cluster.nodes import RayCrew

    adapter, facts = load_model("planted-gpt2", "transformer_lens", "cpu"), planted_facts()
    alone = trace_facts(adapter, facts, metric=MORTAL)
    (tmp_path / "die-all").touch()
    with two_nodes({"MORTAL": str(tmp_path)}, DOOMED="yes") as cluster:
        crew = RayCrew(cluster.address)
        try:
            with spreading(Over(crew)):
                apart = trace_facts(adapter, facts, metric=MORTAL)
            assert not (tmp_path / "die-all").exists(), "the node was killed"
            torn = (tmp_path / "measured").read_text().split()
            (tmp_path / "measured").unlink()
            patience = time.monotonic() + 60
            while sum(node["Alive"] for node in ray.nodes()) > 1 and time.monotonic() < patience:
                time.sleep(0.5)
            assert [node["Alive"] for node in ray.nodes()].count(True) == 1
            # what is left goes on with the next experiment
            with spreading(Over(crew)):
                again = trace_facts(adapter, facts, metric=MORTAL)
            quiet = (tmp_path / "measured").read_text().split()
        finally:
            crew.close()
    assert len(set(torn)) == 2, "both nodes worked"
    assert len(set(quiet)) == 1
    assert len(torn) == len(quiet) + 1, "what the dead one measured last was measured twice"
    for whole in (apart, again):
        assert whole.to_json() == alone.to_json()
        assert whole.controls == alone.controls
        for mine, its in zip(whole, alone, strict=True):
            np.testing.assert_array_equal(mine.patched_metric, its.patched_metric)
