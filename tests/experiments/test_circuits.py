"""Circuits in growing passes, against one pass for each with plain torch hooks."""

from functools import cache

import numpy as np
import pytest
from ablated_by_hooks import difference, logits_without, read, tiny_facts
from tiny import ARCHITECTURES, N_HEADS, N_LAYERS, adapter_of, tiny_module

from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.experiments.circuits import circuit

FACTS = tiny_facts(2)
KEEP = ("head.0.1", "head.2", "mlp_out.1", "mlp_out.3")
CIRCUIT = ("head.0.1", "mlp_out.1", *(f"head.2.{i}" for i in range(N_HEADS)), "mlp_out.3")
NODES = [
    *(f"head.{layer}.{head}" for layer in range(N_LAYERS) for head in range(N_HEADS)),
    *(f"mlp_out.{layer}" for layer in range(N_LAYERS)),
]
TOLERANCE = 1e-4
plain = cache(tiny_module)


@cache
def keeping(arch, kept):
    """The metric of the first fact with all else replaced by its mean."""
    module, fact = plain(arch), FACTS.prompts[0]
    texts = [one.clean_prompt for one in FACTS.prompts]
    means = {
        one: read(module, texts, one).mean(0, keepdim=True) for one in NODES if one not in kept
    }
    return difference(logits_without(module, fact.clean_prompt, means), fact)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_circuits_are_what_plain_hooks_give(arch, backend):
    found = circuit(
        adapter_of(arch, backend), FACTS, KEEP, ablation="mean", reference="clean", sampled=0,
        random=5, subsets={"two": ["head.2.1", "mlp_out.3"]},
        minimal_with={"head.2.1": ["mlp_out.1"]},
    )  # fmt: skip
    assert found.keep == CIRCUIT
    assert found.n_nodes == len(NODES)
    whole, two = frozenset(CIRCUIT), {"head.2.1", "mlp_out.3"}

    def same(value, kept):
        np.testing.assert_allclose(value, keeping(arch, frozenset(kept)), atol=TOLERANCE)

    same(found.clean[0], NODES)
    same(found.kept[0], whole)
    same(found.none[0], ())
    assert found.subset_names == ("the circuit", "two")
    same(found.circuit_without[0, 1], whole - two)
    same(found.model_without[0, 1], set(NODES) - two)
    same(found.circuit_without[0, 0], ())
    same(found.model_without[0, 0], set(NODES) - whole)
    at = CIRCUIT.index("head.2.1")
    same(found.before_removal[0, at], whole - {"mlp_out.1"})
    same(found.after_removal[0, at], whole - {"mlp_out.1", "head.2.1"})
    same(found.before_removal[0, 0], whole)
    same(found.after_removal[0, 0], whole - {"head.0.1"})
    assert len(found.random_circuits) == 5
    same(found.random_kept[0, 2], found.random_circuits[2])
    (control,) = found.controls
    assert control.value < 1e-4


def test_random_circuits_have_as_many_heads_and_mlps():
    asked = {"ablation": "zero", "random": 8, "minimality": False}
    found = circuit(adapter_of("llama", "nnsight"), FACTS, KEEP, **asked)
    assert found.removed == ()
    assert found.removal.shape == (len(FACTS), 0)
    assert len(set(found.random_circuits)) == 8
    for members in found.random_circuits:
        assert set(members) != set(CIRCUIT)
        assert sum(one.startswith("head.") for one in members) == N_HEADS + 1
        assert sum(one.startswith("mlp_out.") for one in members) == 2


def test_the_whole_model_is_faithful_and_nothing_is_not():
    adapter = adapter_of("llama", "nnsight")
    found = circuit(adapter, FACTS, NODES, ablation="zero", sampled=0, random=0)
    assert found.faithfulness == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(found.kept, found.clean, atol=TOLERANCE)
    np.testing.assert_allclose(found.circuit_without, found.model_without, atol=TOLERANCE)


def test_subsets_are_drawn_by_the_seed():
    adapter = adapter_of("gpt2", "nnsight")

    def drawn(seed):
        return circuit(
            adapter, FACTS, CIRCUIT, ablation="zero", sampled=4, random=0, seed=seed
        ).subsets

    assert drawn(1) == drawn(1) != drawn(2)
    assert all(set(subset) <= set(CIRCUIT) for subset in drawn(1))


def test_each_subset_is_drawn_once_and_none_is_empty():
    """Of two components there are three, the circuit among them; so many draws meet all."""
    two = ("head.0.1", "mlp_out.1")
    found = circuit(
        adapter_of("gpt2", "nnsight"), FACTS, two, ablation="zero", sampled=40, random=0
    )
    assert found.subsets[0] == two
    assert sorted(found.subsets) == sorted([two, two[:1], two[1:]])
    assert found.subset_names == ("the circuit", "sample 1", "sample 2")


@pytest.mark.guarantee(
    "red",
    "A circuit says how all that is outside of it is ablated: how faithful it is hangs on that.",
    sees="A refusal that names the kinds and the reason.",
)
def test_a_circuit_needs_its_ablation_named():
    with pytest.raises(ExperimentError, match=r"'zero', 'mean' .*'resample' .*2407\.08734"):
        circuit(adapter_of("llama", "nnsight"), FACTS, KEEP)


def test_what_is_no_circuit_is_refused():
    adapter = adapter_of("llama", "nnsight")
    for keep, asked, error, said in (
        ((), {}, ExperimentError, "no component is given"),
        ("attn_out.1", {}, ExperimentError, r"made of heads, head\.0\.0 to head\.3\.3"),
        ("head.1.9", {}, ExperimentError, r"head\.1\.9 is no part"),
        ("mlp_out.4", {}, ExperimentError, r"mlp_out\.0 to mlp_out\.3$"),
        (KEEP, {"ablation": "none"}, UnknownNameError, "kind of ablation"),
        (KEEP, {"ablation": "mean"}, ExperimentError, "needs reference="),
        (KEEP, {"random": 1}, ExperimentError, "at least 5"),
        (KEEP, {"random": 10**20}, ExperimentError, "at most 10000"),
        (KEEP, {"sampled": -1}, ExperimentError, "sampled=-1"),
        (KEEP, {"subsets": {"x": ["head.1.1"]}}, ExperimentError, "not in the circuit"),
        (KEEP, {"subsets": {"the circuit": ["head.0.1"]}}, ExperimentError, "another name"),
        (KEEP, {"subsets": {"sample 1": ["head.0.1"]}}, ExperimentError, "another name"),
        (KEEP, {"minimal_with": {"head.1.1": []}}, ExperimentError, "not in the circuit"),
        (KEEP, {"minimal_with": {"head.2.1": ["head.2.1"]}}, ExperimentError, "beside itself"),
    ):
        with pytest.raises(error, match=said):
            circuit(adapter, FACTS, keep, **{"ablation": "zero", **asked})
