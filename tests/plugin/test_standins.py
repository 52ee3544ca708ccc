"""At the end of a run, in which tensors a checkpoint differs from the model it stands in for."""

from __future__ import annotations

import json

import pytest
import torch

# runs inside of this process import anew what it does not hold
import pytest_interp.adapters.nnsight
import pytest_interp.models.loader
import pytest_interp.models.tensors  # noqa: F401
from pytest_interp.planted import planted_model

SPEC = """
    import pytest

    @pytest.mark.interp(model="planted-llama", backends="nnsight")
    def test_lens(lens):
        lens("a", " Paris")
"""


@pytest.fixture
def damaged(pytester):
    planted = planted_model("llama")
    with torch.no_grad():
        planted.module.model.layers[2].mlp.down_proj.weight.zero_()
    for thing in (planted.module, planted.tokenizer):
        thing.save_pretrained(pytester.path / "damaged")
    return pytester.path / "damaged"


def test_the_tensor_that_changed_is_named_where_a_test_ran(pytester, damaged):
    pytester.makepyfile(SPEC)
    off = ("-p", "no:cacheprovider", "-p", "no:xdist")
    given = f"--interp-model=planted-llama={damaged}"
    reports = ("--interp-report=r.html", "--interp-report-md=r.md", "--interp-report-json=r.json")
    said = pytester.runpytest_inprocess(*off, given, *reports).stdout.str()
    line = "damaged stands in for planted-llama: 1 of 57 tensors differs: layers.2.mlp.down_proj"
    assert f"{line}, all zero" in said
    assert f"{line}, all zero" in (pytester.path / "r.html").read_text()
    assert "layers.2.mlp.down" in (pytester.path / "r.md").read_text()
    assert line in json.loads((pytester.path / "r.json").read_text())["stand_ins"][0]
    # without a test that ran on it, nothing is read
    assert (
        "stands in" not in pytester.runpytest_inprocess(*off, given, "--collect-only").stdout.str()
    )
    assert "stands in" not in pytester.runpytest_inprocess(*off).stdout.str()


def test_weights_that_cannot_be_compared_are_said(pytester, damaged):
    pytester.makepyfile(SPEC)
    pytester.makeconftest(
        """
        from pytest_interp.models import register_model
        register_model("gone", "org/gone")
        """
    )
    (pytester.path / "test_spec.py").write_text(
        (pytester.path / "test_weights_that_cannot_be_compared_are_said.py")
        .read_text()
        .replace("planted-llama", "gone")
    )
    off = ("-p", "no:cacheprovider", "-p", "no:xdist")
    result = pytester.runpytest_inprocess(*off, f"--interp-model=gone={damaged}", "test_spec.py")
    assert "stands in for gone; their weights were not compared: " in result.stdout.str()
