"""Receivers of paths that are exchanged at some tokens only."""

import numpy as np
import pytest
from paths_by_hooks import FACTS, moved
from tiny import adapter_of

from pytest_interp import FactPrompt, assert_path
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.experiments import path_patching
from pytest_interp.experiments.path_configs import PathPatching
from pytest_interp.facts.sets import FactSet
from pytest_interp.planted.two_step import RECEIVER, SENDER, planted_two_step_model

SENDERS = ("embed", "head.0.2", "mlp_out.1")
# of each, where it is in each prompt
PLACES = {
    "subject": [(1,), (1, 2), (1,)],
    "last": [(4,), (5,), (4,)],
    "-2": [(3,), (4,), (3,)],
    "w9": [(3,), (3,), (0, 3)],
    "all": [None, None, None],
}
LONGER = FactPrompt(
    clean_prompt="w3 w1 w2 w9 w26 w5",
    corrupt_prompt="w3 w50 w4 w9 w26 w5",
    answer="w39",
    counterfactual_answer="w1",
    subject="w1 w2",
)
THREE = FactSet.of([FACTS.prompts[0], LONGER, FACTS.prompts[2]], "three", "plain")


@pytest.mark.guarantee(
    "green",
    "A receiver that names its tokens is exchanged there alone, each fact at its own.",
    sees="the numbers of plain hooks, in place of those of all tokens",
)
@pytest.mark.parametrize(
    ("architecture", "backend", "direction"),
    [("gpt2", "transformer_lens", "noise"), ("gemma3", "nnsight", "denoise")],
)
def test_tokens_of_a_receiver_are_those_of_plain_hooks(architecture, backend, direction):
    adapter = adapter_of(architecture, backend)
    parts = ("k.2.0", "q.3.1", "v.2.1", "mlp_out.2", "k.2.1")
    receivers = tuple(f"{part}@{at}" for part, at in zip(parts, PLACES, strict=True))
    receivers += ("q.3.1@subject", "mlp_out.2@all", "mlp_out.2")
    found = path_patching(adapter, THREE, SENDERS, receivers, direction=direction)
    for r, receiver in enumerate(receivers):
        part, _, at = receiver.partition("@")
        for i in range(len(THREE)):
            s, where = (r + i) % len(SENDERS), PLACES[at or "all"][i]
            wanted = moved(adapter, THREE.prompts[i], SENDERS[s], part, direction, where)
            assert found.change[i, r, s] == pytest.approx(wanted, abs=2e-5), receiver
    assert found.of("embed", "mlp_out.2@all") == pytest.approx(found.of("embed", "mlp_out.2"))
    assert np.abs(found.of("embed", "mlp_out.2@w9") - found.of("embed", "mlp_out.2")).max() > 1e-3
    assert found.controls[0].value < 1e-5


@pytest.mark.parametrize(("through", "there"), [("query", "last"), ("value", "?")])
def test_a_planted_path_lies_at_the_token_that_is_told(through, there):
    model = planted_two_step_model("llama", through=through)
    sender, receiver = str(model.roles[SENDER]), model.roles[RECEIVER]
    group = (receiver.index or 0) * model.machine.shape.n_kv_heads // 4
    part = {"query": f"q.3.{receiver.index}", "value": f"v.3.{group}"}[through]
    receivers = (part, f"{part}@{there}", f"{part}@subject")
    asked = PathPatching(facts=model.facts, senders=(sender,), receivers=receivers)
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    found = asked.run(open_adapter(weights, "nnsight"))
    assert found.to_json()["receivers"] == list(receivers)
    assert_path(found, sender, f"{part}@{there}", at_least=0.9)
    assert found.mean[:, 0] == pytest.approx([1, 1, 0], abs=0.05)
