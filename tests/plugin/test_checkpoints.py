"""How ``--interp-model NAME=PATH:LABEL`` is read."""

import pytest

from pytest_interp.errors import SpecError
from pytest_interp.plugin.checkpoints import Checkpoint, parse_models


@pytest.mark.parametrize(
    ("given", "source", "label"),
    [
        ("./ckpt", "{here}/ckpt", None),
        ("ckpt:step-2000", "{here}/ckpt", "step-2000"),
        ("{here}/ckpt:v1.5", "{here}/ckpt", "v1.5"),
        ("a:b", "{here}/a:b", None),  # a folder that exists is no label
        ("a:b:c", "{here}/a:b", "c"),
        ("org/name", "org/name", None),
        ("org/name:tuned", "org/name", "tuned"),
        ("planted-llama:tuned", "planted-llama", "tuned"),
        (r"C:\models\ckpt", r"C:\models\ckpt", None),
        (r"C:\models\ckpt:tuned", r"C:\models\ckpt", "tuned"),
        ("C:ckpt", "C:ckpt", None),
        ("nowhere", "nowhere", None),
    ],
)
def test_a_checkpoint_and_its_label(tmp_path, given, source, label):
    for name in ("ckpt", "a:b"):
        (tmp_path / name).mkdir()
    _, made = parse_models([f"gpt2={given.format(here=tmp_path)}"], tmp_path)
    assert made == {"gpt2": Checkpoint(source.format(here=tmp_path), label)}


@pytest.mark.parametrize("label", ["", "a b", "a/b", "-a", "a--b", "nnsight", "ä"])
def test_a_label_that_cannot_be_used(tmp_path, label):
    with pytest.raises(SpecError, match="cannot read the label '"):
        parse_models([f"gpt2=planted-llama:{label}"], tmp_path)
    assert parse_models(["gpt2=planted-llama:a_b"], tmp_path)[1]["gpt2"].label == "a_b"
