"""Ablation, attention knocked out, circuits and paths as spec files."""

import pytest
from tiny import adapter_of

from pytest_interp.errors import SpecError
from pytest_interp.specs.running import check_claims, run_experiment
from pytest_interp.specs.schema import read_spec

SPEC = """\
model: planted-llama
experiment: EXPERIMENT
inputs:
  fact:
    clean_prompt: w3 w10 w7 w9
    corrupt_prompt: w3 w30 w7 w9
    answer: w13
    counterfactual_answer: w18
    subject: w10
MORE
claims:
"""
MORE = {
    "ablate": "components: [head.1.1]\n  sets: {two: [head.1.2, mlp_out.3]}\n  kind: zero",
    "knock_out_attention": "from_: last\n  to: subject\n  window: 2",
    "circuit": "keep: [head.1, mlp_out.2]\n  ablation: mean\n  reference: corrupt",
    "path_patching": "senders: [embed, head.1]\n  receivers: [v.2.1@subject, output]",
}
CLAIMS = {
    "ablate": ("ablation_drops: {what: two, min_gap: 0}", "survives_ablation: {what: head.1.1}"),
    "knock_out_attention": ("survives_ablation: {what: layers 0 to 1}",),
    "circuit": ("faithful: {at_least: 0.5}", "complete: {at_most: 0.3}", "minimal: {}"),
    "path_patching": ("path: {sender: embed, receiver: v.2.1@subject, at_least: 0.3}",),
}


def written(path, experiment, more):
    lines = [f"  - {claim}" for claim in CLAIMS[experiment]]
    text = SPEC.replace("EXPERIMENT", experiment).replace("MORE", f"  {more}")
    path.write_text(text + "\n".join(lines))
    return path


@pytest.mark.parametrize("experiment", MORE)
def test_it_runs_with_its_claims(tmp_path, experiment):
    spec = read_spec(written(tmp_path / "a.interp.yaml", experiment, MORE[experiment]))
    result = run_experiment(spec, adapter_of("llama", "nnsight"))
    assert result.to_json()["kind"] in ("ablations", "circuit", "path_patching")
    outcomes = list(check_claims(spec, result))
    assert len(outcomes) == len(CLAIMS[experiment])
    # a random model knows no fact, or does what it does: each claim has some verdict
    assert all(one.verdict is not None for one in outcomes)


@pytest.mark.parametrize(
    ("experiment", "more", "said"),
    [
        ("circuit", "keep: [head.1]", r"a\.interp\.yaml:\d+: .*2407\.08734"),
        ("ablate", "components: [head.1.1]\n  kind: none", "expected 'zero', 'mean' or 'resample'"),
        ("ablate", "components: [head.1.1]\n  facts: capitals", "either a fact, or facts"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, experiment, more, said):
    with pytest.raises(SpecError, match=said):
        read_spec(written(tmp_path / "a.interp.yaml", experiment, more))


def test_what_does_not_fit_the_model_is_said_with_its_line(tmp_path):
    spec = read_spec(written(tmp_path / "a.interp.yaml", "ablate", "components: [head.1.1]"))
    with pytest.raises(SpecError, match=r"a\.interp\.yaml:\d+: .*needs reference="):
        run_experiment(spec, adapter_of("llama", "nnsight"))


def test_a_position_that_a_prompt_lacks_is_said_with_the_line_of_the_receivers(tmp_path):
    more = "senders: [embed]\n  receivers: [v.2.1@w60]"
    spec = read_spec(written(tmp_path / "a.interp.yaml", "path_patching", more))
    (line,) = [n for n, text in enumerate(spec.path.read_text().split("\n"), 1) if "w60" in text]
    with pytest.raises(SpecError, match=rf"a\.interp\.yaml:{line}: .*has no token 'w60'"):
        run_experiment(spec, adapter_of("llama", "nnsight"))
