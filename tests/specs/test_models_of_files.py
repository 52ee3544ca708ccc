"""Models that are no names: each is the model of a spec file, and stands in for another one."""

import pytest

from tests.models.conftest import adapted, hub, save_tiny  # noqa: F401
from tests.models.test_gguf import write_tiny

SPEC = """
model: {model}
experiment: logit_lens
inputs:
  prompt: "{prompt}"
  answer: "{target}"
backends: [nnsight]
claims:
  - comes_from: {{part: "{source}"}}
"""
CLAIM = """
from pytest_interp.claims import register_claim

@register_claim("comes_from", replace=True)
def comes_from(result, *, part: str):
    assert part in result.provenance.source
"""
WORDS, LETTERS = ("the capital of France is", "Paris"), ("abc", "d")


@pytest.fixture(params=["folder", "hub id", "revision", "gguf file", "adapter"])
def given(request, tmp_path, monkeypatch):
    """What stands for a model, a prompt and a token that it knows, and its source in words."""
    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path / "cache"))
    if request.param == "folder":
        folder = save_tiny(tmp_path / "some folder")
        return folder, WORDS, f"folder {folder}"
    if request.param == "gguf file":
        write_tiny(tmp_path / "own.gguf")
        return tmp_path / "own.gguf", LETTERS, "own.gguf"
    if request.param == "adapter":
        pytest.importorskip("peft", reason="the extra peft is not installed")
        folder, base, _ = request.getfixturevalue("adapted")
        return folder, WORDS, f"merged into folder {base}"
    request.getfixturevalue("hub")
    name = "org/tiny" if request.param == "hub id" else "org/tiny@v1"
    return name, WORDS, f"hub {name}"


def run(pytester, model, words, source, *args):
    pytester.makeconftest(CLAIM)
    prompt, target = words
    text = SPEC.format(model=model, prompt=prompt, target=target, source=source)
    pytester.path.joinpath("claim.interp.yaml").write_text(text)
    return pytester.runpytest("claim.interp.yaml", *args)


@pytest.mark.guarantee(
    "green",
    "A folder, a hub id (with a revision), a GGUF file and a LoRA adapter are the model of a spec "
    "file, and stand in for another model on the command line.",
    sees="the provenance names the file, the revision, or the adapter and its base",
)
def test_it_is_the_model_of_a_spec_and_stands_in_for_one(pytester, given):
    model, words, source = given
    run(pytester, model, words, source).assert_outcomes(passed=1)
    run(pytester, model, words, "something else").assert_outcomes(failed=1)
    instead = f"--interp-model=planted-llama={model}"
    run(pytester, "planted-llama", words, source, instead).assert_outcomes(passed=1)
