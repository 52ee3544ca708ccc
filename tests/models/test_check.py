"""What ``models check`` says of models that are right, and of backends that are wrong."""

import json
import math

import pytest
import torch
from tiny import tiny_module, tiny_tokenizer, tiny_weights

from pytest_interp.adapters import Weights, backend_names, backends, open_adapter
from pytest_interp.adapters.nnsight import NNsightAdapter
from pytest_interp.cli import main
from pytest_interp.errors import PromptError
from pytest_interp.models import register_model
from pytest_interp.models.check import OPENS, check_model, measured
from pytest_interp.models.gradients import Gradient
from pytest_interp.models.invariance import BehindPrefix, Joined, OneOfMany
from pytest_interp.models.plain import Logits, PlainHooks
from pytest_interp.models.properties import doubling, moved_by_a_large_edit

PROMPT = "w1 w2 w3 w20 w5"
TOKENS = torch.tensor([[2, 3, 4, 21, 6]])


def row_of(one, architecture="llama", backends=("nnsight",), limit=1e-4):
    adapters = [open_adapter(tiny_weights(architecture), backend) for backend in backends]
    return measured(one, adapters, TOKENS, limit, doubling())


KEPT = pytest.mark.guarantee(
    "green",
    "A model whose passes behind a prefix are not those of the whole prompt is found.",
    sees="the row prefix of pytest-interp models check: pass or FAIL, and why",
)


@KEPT
@pytest.mark.parametrize("architecture", ["gpt2", "llama", "gemma3"])
def test_a_pass_behind_a_prefix_is_that_of_the_whole_prompt(architecture):
    row = row_of(BehindPrefix(), architecture, backend_names())
    assert row.status == "pass"
    assert row.differences.keys() == set(backend_names())


@KEPT
def test_a_pass_that_sees_other_tokens_differs(monkeypatch):
    prefix = NNsightAdapter.prefix
    monkeypatch.setattr(NNsightAdapter, "prefix", lambda self, tokens: prefix(self, tokens.flip(1)))
    row = row_of(BehindPrefix())
    assert row.failing == ("nnsight",)
    assert row.differences["nnsight"] > 1e-3


def test_a_backend_that_leaves_it_out_is_named(monkeypatch):
    forward = NNsightAdapter._forward
    monkeypatch.setattr(NNsightAdapter, "_forward", lambda *args: forward(*args[:-1], None))
    row = row_of(BehindPrefix())
    assert not row.holds
    assert "under nnsight> did not read the tokens" in row.reasons[0]


def test_a_prompt_of_one_token_is_refused():
    with pytest.raises(PromptError, match="'w1' is 1 token: a check needs 3 or more"):
        check_model(tiny_weights("llama"), ["nnsight"], "w1")


def test_an_edit_that_does_nothing_is_seen(monkeypatch):
    adapter = open_adapter(tiny_weights("llama"), "nnsight")
    assert moved_by_a_large_edit(adapter, "pattern", TOKENS) > 1e-3
    run = type(adapter).run
    monkeypatch.setattr(
        type(adapter), "run", lambda self, ids, edits=None, **rest: run(self, ids, **rest)
    )
    assert moved_by_a_large_edit(adapter, "pattern", TOKENS) == 0


BATCHES = pytest.mark.guarantee(
    "green",
    "A model whose rows are not the same alone and in a batch is found.",
    sees="two rows of pytest-interp models check: a batch of one, and a row that joins",
)


@BATCHES
@pytest.mark.parametrize("one", [OneOfMany(), Joined()], ids=lambda one: type(one).__name__)
def test_rows_that_see_one_another_are_found(monkeypatch, one):
    assert row_of(one, backends=backend_names()).status == "pass"
    forward = NNsightAdapter._forward

    def mixed(self, tokens, *rest):
        logits = forward(self, tokens, *rest)
        return 0.9 * logits + 0.1 * logits.mean(0)

    monkeypatch.setattr(NNsightAdapter, "_forward", mixed)
    row = row_of(one)
    assert row.status == "fail"
    assert row.reasons[0].endswith("that is no rounding")


GRADIENTS = pytest.mark.guarantee(
    "green",
    "A gradient that is not that of finite differences is found.",
    sees="the rows gradient at ... of pytest-interp models check",
)


@GRADIENTS
@pytest.mark.parametrize("kind", ["embed", "q", "pattern", "resid_mid", "mlp_out"])
def test_a_gradient_that_leaves_a_branch_out_is_found(monkeypatch, kind):
    assert row_of(Gradient(kind), backends=backend_names()).status == "pass"
    run = NNsightAdapter.run

    def detached(self, tokens, *args, grad=False, **rest):
        made = run(self, tokens, *args, grad=grad, **rest)
        return made if not grad else type(made)(made.logits + made.logits.sin(), made.captured)

    monkeypatch.setattr(NNsightAdapter, "run", detached)
    assert row_of(Gradient(kind)).status == "fail"


ROUNDING = pytest.mark.guarantee(
    "green",
    "What a check finds is computed again in float64: rounding is told from a wrong place.",
    sees="that is rounding, or that is no rounding, with the difference in both dtypes",
)


@ROUNDING
def test_rounding_is_told_from_a_wrong_place():
    weights = Weights("half", tiny_module("llama").bfloat16(), tiny_tokenizer(), "random")
    found = {one.name: one for one in check_model(weights, ["nnsight"], PROMPT, limit=1e-9)}
    assert all(one.holds for one in found.values())
    rounded = [one.reasons[0] for one in found.values() if one.reasons]
    assert all("in float64 by" in said and said.endswith("that is rounding") for said in rounded)
    assert "heads and bias sum to attn_out" in " ".join(rounded)
    assert "gradient at mlp_out" in " ".join(rounded)


@ROUNDING
def test_a_wrong_number_is_wrong_in_float64_too(monkeypatch):
    forward = NNsightAdapter._forward
    monkeypatch.setattr(NNsightAdapter, "_forward", lambda *args: 1.01 * forward(*args))
    row = row_of(Logits(PlainHooks([])))
    assert row.status == "fail"
    assert "off by 1.0e-02, in float64 by 1.0e-02: that is no rounding" in row.reasons[0]


JSON = pytest.mark.guarantee(
    "messages",
    "`pytest-interp models check NAME --json` prints the whole check for programs.",
    sees="Each row with its status, its numbers and the reasons; the exit status is the same.",
)


@JSON
def test_a_check_can_be_read_by_programs(tmp_path, capsys, monkeypatch):
    tiny_module("cohere").save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    register_model("check-tiny", tmp_path)
    asked = ["models", "check", "check-tiny", "--prompt", PROMPT, "--json"]
    assert main(asked) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["model"] == "check-tiny"
    assert said["holds"] is True
    rows = {row["name"]: row for row in said["rows"]}
    assert rows["logits"]["status"] == "pass"
    lacking = rows["resid_pre + attn_out = resid_mid"]
    assert lacking["status"] == "not applicable"
    assert "side by side" in lacking["not_applicable"]["nnsight"]

    forward = NNsightAdapter._forward
    monkeypatch.setattr(NNsightAdapter, "_forward", lambda *args: math.nan * forward(*args))
    monkeypatch.setattr(backends, "installed_backends", lambda: ("nnsight",))
    assert main(asked) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["holds"] is False
    (row,) = [row for row in said["rows"] if row["name"] == "logits"]
    assert row["failing"] == ["nnsight"]
    assert row["differences"]["nnsight"] == "nan"


@JSON
def test_the_rows_go_to_a_file_beside_the_table(tmp_path, capsys, monkeypatch):
    tiny_module("llama").save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    register_model("check-tiny", tmp_path)
    monkeypatch.setattr(backends, "installed_backends", lambda: ("nnsight",))
    to = tmp_path / "check.json"
    assert main(["models", "check", "check-tiny", "--prompt", PROMPT, "--json", str(to)]) == 0
    assert "adds up" in capsys.readouterr().out
    said = json.loads(to.read_text())
    assert said["holds"] is True
    assert len(said["rows"]) > 30


def test_a_backend_that_takes_no_such_model_does_not_end_the_check():
    found = check_model(tiny_weights("qwen3_5"), ["transformer_lens", "nnsight"], PROMPT)
    assert found[0].name == OPENS
    assert "TransformerLens has no bridge" in found[0].not_applicable["transformer_lens"]
    assert all(one.holds for one in found)
    assert {name for one in found for name in one.differences} == {"nnsight"}
