"""Path patching, against plain hooks that hold every output between, and against planted truth."""

import numpy as np
import pytest
from paths_by_hooks import FACTS, fact, moved
from tiny import adapter_of

from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.experiments import causal_trace, path_patching, trace_joint
from pytest_interp.planted.ioi import BACKUP, MOVER, SUBJECT, planted_ioi_model
from pytest_interp.planted.two_step import RECEIVER, SENDER, planted_two_step_model

ON_BACKENDS = pytest.mark.parametrize("backend", backend_names())
SENDERS = ("embed", "head.0.2", "head.1.3", "head.1", "attn_out.1", "mlp_out.1")
RECEIVERS = ("q.2.1", "k.3.0", "v.2.1", "mlp_out.2", "output")


@pytest.mark.guarantee(
    "green",
    "Path patching exchanges what one part writes for one reader alone, with all attention and MLP "
    "outputs between held, and runs freely behind the reader.",
    sees="the numbers of plain hooks that hold each of them, on every architecture and backend",
)
@ON_BACKENDS
@pytest.mark.parametrize(
    ("architecture", "direction"),
    [("gpt2", "noise"), ("llama", "denoise"), ("qwen3", "noise"), ("gemma3", "denoise")],
)
def test_paths_are_those_of_plain_hooks(architecture, direction, backend):
    adapter = adapter_of(architecture, backend)
    found = path_patching(adapter, FACTS, SENDERS, RECEIVERS, direction=direction)
    for s, sender in enumerate(SENDERS):
        for r, receiver in enumerate(RECEIVERS):
            i = (s + r) % len(FACTS)
            wanted = moved(adapter, FACTS.prompts[i], sender, receiver, direction)
            assert found.change[i, r, s] == pytest.approx(wanted, abs=2e-5), (sender, receiver)
    assert np.abs(found.change).max(axis=(0, 2)).min() > 1e-3, "every receiver reads something"


@ON_BACKENDS
def test_attention_of_a_layer_is_read_by_its_own_mlp(backend):
    adapter = adapter_of("gemma3", backend)
    senders = ("head.2.0", "attn_out.2", "mlp_out.1")
    found = path_patching(adapter, FACTS.prompts[0], senders, "mlp_out.2")
    for s, sender in enumerate(senders):
        wanted = moved(adapter, FACTS.prompts[0], sender, "mlp_out.2", "noise")
        assert found.change[0, 0, s] == pytest.approx(wanted, abs=2e-5)


def test_by_default_senders_are_all_heads_and_mlps_before_the_receiver():
    adapter = adapter_of("llama", "nnsight")
    found = path_patching(adapter, FACTS.prompts[0], receivers=("q.1.0", "output"))
    assert found.senders == ("head.0.0", "head.0.1", "head.0.2", "head.0.3", "mlp_out.0")
    assert len(path_patching(adapter, FACTS.prompts[0]).senders) == 4 * 5


def test_many_senders_are_split_into_passes_without_a_difference(monkeypatch):
    adapter = adapter_of("qwen3", "transformer_lens")
    whole = path_patching(adapter, FACTS, receivers=("v.3.1", "output"))
    monkeypatch.setattr("pytest_interp.experiments.paths.rows_in_budget", lambda *_: 3)
    split = path_patching(adapter, FACTS, receivers=("v.3.1", "output"))
    np.testing.assert_allclose(split.change, whole.change, atol=1e-5)


@pytest.mark.parametrize("direction", ["noise", "denoise"])
def test_in_another_metric_the_last_mlp_reaches_the_output_as_its_patch_does(direction):
    adapter, asked = adapter_of("llama", "nnsight"), {"metric": "answer_prob"}
    found = path_patching(adapter, FACTS, "mlp_out.3", direction=direction, **asked)
    joint = trace_joint(
        adapter, FACTS, {"it": "mlp_out.3@last"}, direction=direction, controls=False, **asked
    )
    base = joint.clean if direction == "noise" else joint.corrupt
    np.testing.assert_allclose(found.change[:, 0, 0], joint.patched[:, 0] - base, atol=1e-6)
    assert np.abs(found.change).max() > 1e-4
    for name in ("clean", "corrupt", "preferences"):
        np.testing.assert_allclose(getattr(found, name), getattr(joint, name), atol=1e-5)


def test_noise_is_averaged_over_its_samples():
    adapter = adapter_of("gpt2", "nnsight")
    asked = {"senders": "embed", "receivers": ("q.0.1", "mlp_out.0"), "corruption": "gaussian"}
    found = path_patching(adapter, FACTS, **asked)
    alone = path_patching(adapter, FACTS.prompts[1], **asked)
    trace = causal_trace(adapter, FACTS.prompts[1], corruption="gaussian", controls=False)
    assert np.abs(found.change).min() > 0
    np.testing.assert_allclose(found.change[1], alone.change[0], atol=1e-5)
    assert found.clean[1] == pytest.approx(trace.clean_metric, abs=1e-5)
    assert found.corrupt[1] == pytest.approx(trace.corrupt_metric, abs=1e-5)


@pytest.mark.guarantee(
    "green",
    "The path of a sender whose source is its base moves nothing.",
    sees="a control with every result of path patching",
)
def test_what_does_not_change_moves_nothing():
    adapter = adapter_of("gemma3", "nnsight")
    (control,) = path_patching(adapter, FACTS, SENDERS, RECEIVERS).controls
    assert control.value < 1e-5
    assert control.holds
    # the same first token, and so the same embedding there
    same = fact(corrupt="w3 w14 w15 w9 w27")
    still = path_patching(adapter, same, "head.0.1", "k.2.0", metric="answer_prob")
    assert still.metric.name == "answer_prob"
    assert still.preferences is not None


def planted(model, backend):
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    return open_adapter(weights, backend)


@pytest.mark.parametrize(("arch", "backend"), [("gpt2", "nnsight"), ("llama", "transformer_lens")])
@pytest.mark.parametrize("through", ["query", "key", "value", "mlp"])
def test_a_path_of_two_steps_goes_by_the_input_that_it_was_planted_in(arch, backend, through):
    model = planted_two_step_model(arch, through=through)
    sender, receiver = model.roles[SENDER], model.roles[RECEIVER]
    group = (receiver.index or 0) * model.machine.shape.n_kv_heads // 4
    heads = [f"q.3.{receiver.index}", f"k.3.{group}", f"v.3.{group}"]
    inputs = [*(heads if through != "mlp" else ()), "mlp_out.3", "output"]
    senders = [str(sender), "head.0.0", "mlp_out.0", "embed"]
    for direction in ("noise", "denoise"):
        found = path_patching(
            planted(model, backend), model.facts, senders, inputs, direction=direction
        )
        for i in range(0, len(model.facts), 5):
            truth = model.truth(i)
            for one in senders[:3]:
                for to in inputs:
                    stated = truth.path_effect(one, to, direction)
                    assert found.of(one, to)[i] == pytest.approx(stated, abs=0.03), (one, to)


def test_the_mover_is_told_where_to_look_and_the_backup_is_not():
    model = planted_ioi_model("llama")
    roles = model.roles
    inputs = [str(roles[role]).replace("head", "q") for role in (MOVER, BACKUP)]
    found = path_patching(planted(model, "nnsight"), model.facts, roles[SUBJECT], inputs)
    truth = model.truth(0)
    for to in inputs:
        stated = truth.path_effect(roles[SUBJECT], to)
        assert found.of(roles[SUBJECT], to)[0] == pytest.approx(stated, abs=0.05)
    assert found.strongest(1)[0].receiver == inputs[0]


@pytest.mark.guarantee(
    "messages",
    "A receiver that does not come after its sender, and one that the model lacks, are refused by "
    "name.",
    sees="which of the two to change",
)
@pytest.mark.parametrize(
    ("senders", "receivers", "error", "said"),
    [
        ("head.2.1", "q.2.0", ExperimentError, r"q\.2\.0 does not come after head\.2\.1"),
        ("head.3.1", ("output", "q.2.0"), ExperimentError, r"q\.2\.0 does not come after"),
        ("mlp_out.2", "mlp_out.2", ExperimentError, r"mlp_out\.2 does not come after mlp_out\.2"),
        ("mlp_out.1", "head.2.1", ExperimentError, r"no receiver: a head reads .* 'q\.2\.1'"),
        ("q.1.1", "output", ExperimentError, "'q.1.1' is no sender"),
        ("head.1.4", "output", ExperimentError, "has no head 4"),
        ("head.1.1", "k.2.2", ExperimentError, "Head 2 reads key-value head 1"),
        ("head.9.1", "output", ExperimentError, "head.9.1 is not there: .* layers 0 to 3"),
        ("embed", "mlp_out.4", ExperimentError, "mlp_out.4 is not there"),
        ("embed", "q.2.1@w60", ExperimentError, "has no token 'w60': its tokens are .* subject"),
        ("embed", "q.2.1@5", ExperimentError, "has no token 5"),
        ("embed", "q.2.1@", ExperimentError, "names no position"),
        ("embed", "output@last", ExperimentError, "read at the last token alone: write 'output'"),
        ("head.3.1", "k.2.0@last", ExperimentError, "k.2.0@last does not come after head.3.1"),
        ("embed", (), ExperimentError, "no receiver is given"),
        (None, "k.0.0", ExperimentError, "name 'embed'"),
        ("haed.1.1", "output", UnknownNameError, "head"),
        ("embed", "outptu", UnknownNameError, "outptu"),
    ],
)
def test_what_cannot_be_a_path_is_refused(senders, receivers, error, said):
    with pytest.raises(error, match=said):
        path_patching(adapter_of("llama", "nnsight"), FACTS.prompts[0], senders, receivers)


def test_a_direction_there_is_not_is_refused():
    with pytest.raises(UnknownNameError, match="up"):
        path_patching(adapter_of("llama", "nnsight"), FACTS.prompts[0], direction="up")
