"""``pytest-interp compare``: the same specs on two checkpoints, damaged and whole."""

from __future__ import annotations

import json
import re

import pytest
import torch
from made_runs import a_claim, a_run, a_test

from pytest_interp.cli import main
from pytest_interp.planted import planted_model

FACT = planted_model("llama").facts[0]
SPEC = f"""
import pytest
from pytest_interp import FactPrompt, assert_fact_localized
from pytest_interp.claims import Status, Verdict, conclude
from pytest_interp.claims.verdict import Estimate

FACT = FactPrompt(
    clean_prompt={FACT.clean_prompt!r},
    corrupt_prompt={FACT.corrupt_prompt!r},
    answer={FACT.answer!r},
    counterfactual_answer={FACT.counterfactual_answer!r},
    subject={FACT.subject!r},
)

@pytest.mark.interp(model="planted-llama", backends="nnsight")
def test_the_fact_sits_on_the_subject(trace, baseline):
    result = trace(FACT)
    assert_fact_localized(result, "resid_post@subject", (0, 3))
    baseline.check(result)

@pytest.mark.interp(model="planted-llama", backends="nnsight")
def test_the_answer_is_said_in_the_end(lens):
    "The answer is the model's first word."
    assert lens(FACT.clean_prompt, FACT.answer).crossover_layer.reached

def claim(result, what, value):
    conclude(Verdict(
        what, Status.PASSED, "It is.", 1, 1, effect=Estimate(value, value, value, "the end"),
        threshold=0.0, margin=value, claimed="at least 0.00",
        models=(result.provenance.model,), backends=(result.provenance.backend,),
    ))

@pytest.mark.interp(model="planted-llama", backends="nnsight")
def test_by_probability(lens, baseline):
    result = lens(FACT.clean_prompt, FACT.answer)
    claim(result, "the answer is possible", float(result.final_prob))
    claim(result, "the first layer knows nothing", 1 - float(result.answer_prob[0]))
    baseline.check(result)  # nothing is saved: on a checkpoint that is not judged

@pytest.mark.interp(model="planted-gpt2", backends="nnsight")
def test_of_another_model(lens):
    assert False
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Specs, and checkpoints of the planted model: a copy, and one with an MLP zeroed."""
    root = tmp_path_factory.mktemp("compare")
    (root / "test_spec.py").write_text(SPEC)
    (root / "pytest.ini").write_text("[pytest]\n")
    for name in ("whole", "damaged"):
        planted = planted_model("llama")
        if name == "damaged":
            with torch.no_grad():
                planted.module.model.layers[2].mlp.down_proj.weight.zero_()
        planted.module.save_pretrained(root / name)
        planted.tokenizer.save_pretrained(root / name)
    return root


@pytest.fixture
def compare(folder, monkeypatch, capsys):
    """Run the command in the folder; exit status and what it printed."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        status = main(["compare", *arguments])
        return status, capsys.readouterr()

    return run


@pytest.mark.guarantee(
    "messages",
    "A checkpoint in which one layer is damaged is reported with that layer's name, and with the "
    "claims that this breaks.",
    sees="1 of 57 tensors differs: layers.2.mlp.down_proj, all zero; then the claims that break.",
)
def test_a_damaged_layer_is_named_and_the_broken_claims_come_first(compare, folder):
    status, said = compare(
        "planted-llama", "damaged", "test_spec.py", "--json=c.json", "--html=c.html"
    )
    assert status == 1, said
    lines = said.out.splitlines()
    assert lines[0].startswith("planted-llama -> damaged: of ")
    assert "tensors differs: layers.2.mlp.down_proj, all zero" in " ".join(said.out.split())
    data = json.loads((folder / "c.json").read_text())
    (found,) = data["comparisons"]
    assert {pair["claim"].split(" (")[0]: pair["fate"] for pair in found["claims"]} == {
        "The answer is the model's first word.": "breaks",
        "the fact sits at resid_post@subject in layers 0 to 3, and nowhere else": "undecided",
        "the answer is possible": "drifts",
        "the first layer knows nothing": "survives",
    }
    assert [line for line in lines if line.endswith(" (1)")] == [
        f"{fate} (1)" for fate in ("breaks", "undecided", "drifts", "survives")
    ]
    assert found["tensors"]["changes"][0]["name"] == "layers.2.mlp.down_proj"
    assert {test["model"] for run in data["runs"] for test in run["tests"]} == {"planted-llama"}
    assert {test["checkpoint"] for test in data["runs"][1]["tests"]} == {str(folder / "damaged")}
    page = (folder / "c.html").read_text()
    assert "layers.2.mlp.down_proj, all zero" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_several_checkpoints_are_a_line_for_each_claim(compare, folder, monkeypatch):
    asked = []

    def run_specs(name, source, specs, more):
        asked.append((name, source, tuple(specs), tuple(more)))
        held = source != "damaged"
        claim = a_claim() if held else a_claim("failed", margin=-0.5)
        return a_run(a_test("test_it", "passed" if held else "failed", [claim]))

    monkeypatch.setattr("pytest_interp.cli.checkpoint_runs.run_specs", run_specs)
    models = ("whole", "planted-llama", "damaged", "test_spec.py", "--as=planted-llama")
    status, said = compare(*models, "--figure=c.svg", "--html=many.html", "--backend=nnsight")
    assert status == 1, said
    specs, more = ("test_spec.py",), ("--interp-backend", "nnsight")
    assert asked == [("planted-llama", model, specs, more) for model in models[:3]]
    assert "whole -> planted-llama: of 1 claim: 1 survives" in said.out
    assert "planted-llama: none of 57 tensors differs" in said.out
    (row,) = [line for line in said.out.splitlines() if line.startswith("test_it")]
    assert re.findall("holds|fails", row) == ["holds", "holds", "fails"]
    assert (folder / "c.svg").read_text().lstrip().startswith("<?xml")
    assert "data:image/svg+xml;base64," in (folder / "many.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["planted-llama", "test_spec.py"], "two checkpoints are needed, and planted-llama is"),
        (["whole", "damaged"], "whole is no such name: say which of their models"),
        (["planted-llama", "./nowhere"], "nowhere"),
        (
            ["planted-qwen3", "whole", "test_spec.py"],
            "no test of this run is on 'planted-qwen3'",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(compare, arguments, said):
    status, printed = compare(*arguments)
    assert status == 2
    assert said in printed.err
