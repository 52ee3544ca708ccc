"""Mean ablation and circuits beside TransformerLens's own hooks, on a model that it takes."""

import numpy as np
import pytest
import torch
from ablated_by_hooks import difference, ids_of, tiny_facts
from tiny import N_HEADS, N_LAYERS, adapter_of, tiny_module

from pytest_interp import ablate, circuit
from pytest_interp.adapters import backend_names

FACTS = tiny_facts(4)
TEXTS = [fact.clean_prompt for fact in FACTS.prompts]
TOLERANCE = 1e-4
"""Float32: the largest difference was 1.4e-6."""


def bridge(module):
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

    return build_bridge_from_module(
        module, type(module).__name__, hf_config=module.config, tokenizer=None
    )


def without(model, means, fact, components):
    """The metric with these components replaced by means, by hooks of TransformerLens."""
    hooks = []
    for component in components:
        kind, layer, *index = component.split(".")
        name = {"head": f"blocks.{layer}.attn.hook_z", "mlp_out": f"blocks.{layer}.hook_mlp_out"}

        def change(x, hook, index=index, name=name[kind]):
            x = x.clone()
            at = (slice(None), slice(None), *map(int, index))
            x[at] = means[name][at]
            return x

        hooks.append((name[kind], change))
    with torch.no_grad():
        logits = model.run_with_hooks(ids_of([fact.clean_prompt]), fwd_hooks=hooks)
    return difference(logits[0, -1], fact)


@pytest.mark.parametrize("backend", backend_names())
def test_mean_ablation_is_what_its_hooks_give(backend):
    adapter, model = adapter_of("gpt2", backend), bridge(tiny_module("gpt2"))
    with torch.no_grad():
        _, cache = model.run_with_cache(ids_of(TEXTS))
    means = {
        name: cache[name].mean(0, keepdim=True)
        for layer in range(N_LAYERS)
        for name in (f"blocks.{layer}.attn.hook_z", f"blocks.{layer}.hook_mlp_out")
    }
    nodes = [f"mlp_out.{layer}" for layer in range(N_LAYERS)]
    nodes += [f"head.{layer}.{head}" for layer in range(N_LAYERS) for head in range(N_HEADS)]
    alone, fact = nodes[::3], FACTS.prompts[1]
    found = ablate(adapter, FACTS, alone, kind="mean", reference=TEXTS, random=0)
    expected = [without(model, means, fact, [one]) for one in alone]
    np.testing.assert_allclose(found.ablated[1], expected, atol=TOLERANCE)
    keep = nodes[1::2]
    kept = circuit(adapter, FACTS, keep, ablation="mean", reference=TEXTS, sampled=0, random=0)
    rest = [one for one in nodes if one not in keep]
    np.testing.assert_allclose(kept.kept[1], without(model, means, fact, rest), atol=TOLERANCE)
    np.testing.assert_allclose(kept.none[1], without(model, means, fact, nodes), atol=TOLERANCE)
