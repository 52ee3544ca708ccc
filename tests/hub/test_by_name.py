"""Models of the hub by their names, from a cache as the hub's client leaves it.

The weights are tiny, the files and the names of their tensors those of the hub. The specs and
configs are the shipped ones, as they are.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from weakref import WeakValueDictionary

import huggingface_hub
import pytest

from pytest_interp import load_model, logit_lens
from pytest_interp.cli import main
from pytest_interp.models import inventory
from tests.hub.repositories import gpt2, qwen3, write_cache, write_folder
from tests.hub.server import serving

ROOT = Path(__file__).parents[2]
REPOSITORIES = {
    "gpt2": ("gpt2", "openai-community/gpt2"),
    "gpt2-medium": ("gpt2-medium", "openai-community/gpt2-medium"),
    "qwen3-0.6b": ("Qwen/Qwen3-0.6B",),
}
ANSWER_COMES_AT = {"gpt2": 8, "gpt2-medium": 12, "qwen3-0.6b": 16}
SPECS = (*ROOT.glob("specs/test_gpt2.py"), *ROOT.glob("specs/test_qwen3.py"))
CONFIGS = (*ROOT.glob("configs/*_gpt2.interp.yaml"), *ROOT.glob("configs/*_qwen3.interp.yaml"))
KEPT = pytest.mark.guarantee(
    "red",
    "gpt2, gpt2-medium and qwen3-0.6b are read as the hub has them, and their shipped specs get as"
    " far as their numbers.",
    sees="The numbers.",
)


def made(name: str, at: int):
    build, n_layers = {
        "gpt2": (gpt2, 12),
        "gpt2-medium": (gpt2, 24),
        "qwen3-0.6b": (qwen3, 28),
    }[name]
    return build(n_layers, at)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache of the hub, and a function that puts the repository of a model into it."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    # other weights under these names may be in use
    monkeypatch.setattr("pytest_interp.models.loader._shared", WeakValueDictionary())

    def put(name: str, repo: str, at: int | None = None) -> Path:
        built = made(name, ANSWER_COMES_AT[name] if at is None else at)
        written = write_folder(tmp_path / f"written-{repo.replace('/', '-')}", *built)
        return write_cache(folder, repo, written)

    return put


@pytest.fixture
def run(pytester):
    """Run the shipped specs and configs of some models inside this process."""

    def go():
        for file in (*SPECS, *CONFIGS):
            shutil.copy(file, pytester.path)
        files = [file.name for file in (*SPECS, *CONFIGS)]
        arguments = ("-p", "no:cacheprovider", "-p", "no:xdist", "--interp-backend=nnsight")
        return pytester.inline_run(*arguments, *files)

    return go


@KEPT
@pytest.mark.parametrize(
    ("name", "repo"), [(name, repo) for name, repos in REPOSITORIES.items() for repo in repos]
)
def test_a_name_finds_its_weights_under_every_name_that_the_hub_has_had(cache, name, repo):
    snapshot = cache(name, repo)
    assert name in [one.name for one in inventory() if one.available]
    model = load_model(name, "nnsight", device="cpu")
    assert model.weights.module.config.name_or_path == str(snapshot)
    assert model.n_layers == {"gpt2": 12, "gpt2-medium": 24, "qwen3-0.6b": 28}[name]
    tokens = ("Water", " is", " made", " of", " hydrogen", " and")
    assert model.str_tokens("".join(tokens)) == tokens
    result = logit_lens(model, "".join(tokens), " oxygen")
    assert result.crossover_layer == ANSWER_COMES_AT[name]
    assert result.final_prob > 0.99


@KEPT
def test_shipped_specs_and_configs_hold_where_the_layers_are_those_they_claim(cache, run):
    cache("gpt2", "gpt2")
    cache("qwen3-0.6b", "Qwen/Qwen3-0.6B")
    passed, skipped, failed = run().listoutcomes()
    assert (skipped, failed) == ([], [])
    assert len(passed) == 2 + 3 + 4


@KEPT
def test_where_other_layers_hold_the_fact_the_specs_fail_by_their_numbers_alone(cache, run):
    cache("gpt2", "gpt2", at=2)
    cache("qwen3-0.6b", "Qwen/Qwen3-0.6B", at=4)
    _, skipped, failed = run().listoutcomes()
    assert not skipped
    said = {one.nodeid: one.longrepr.reprcrash.message for one in failed if one.when == "call"}
    assert len(said) == len(failed) == 3
    crosses, improbable, subject = (
        next(text for name, text in said.items() if part in name)
        for part in ("crystallises", "improbable", "fact_lives")
    )
    assert crosses.startswith("AssertionError: assert 6 <= 2")
    assert improbable.startswith("AssertionError: assert np.float64(0.99")
    assert "failed: 0.000 at layer 4, subject, claimed at least 0.80" in subject


@KEPT
def test_fetch_downloads_what_is_needed_and_nothing_else(cache, tmp_path, monkeypatch, capsys):
    written = write_folder(tmp_path / "served", *made("gpt2", 8))
    others = ("pytorch_model.bin", "tf_model.h5", "rust_model.ot", "onnx/config.json", "README.md")
    for name in others:
        (written / name).parent.mkdir(exist_ok=True)
        (written / name).write_text("{}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    huggingface_hub.close_session()  # it was made for other addresses
    with serving("openai-community/gpt2", written) as (address, given):
        constants = "huggingface_hub.constants"
        monkeypatch.setattr(f"{constants}.ENDPOINT", address)
        template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", template)
        assert main(["models", "fetch", "gpt2"]) == 0
    huggingface_hub.close_session()
    said = capsys.readouterr().out
    assert said.startswith("gpt2 is here: hub openai-community/gpt2, fingerprint ")
    files = {"config.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"}
    assert set(given) == {*files, "model.safetensors"}
    # the server is gone: what follows is read from the cache
    assert main(["run", "--config", str(ROOT / "configs/logit_lens_gpt2.interp.yaml")]) == 0
    assert "oxygen" in capsys.readouterr().out
