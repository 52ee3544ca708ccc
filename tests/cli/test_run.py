"""``pytest-interp run``: the same YAML file, outside of pytest."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_results import trace
from PIL import Image
from planted_spec import trace_spec

from pytest_interp.cli import main
from pytest_interp.cli.outputs import files_of
from pytest_interp.experiments import budgets
from pytest_interp.memory import memory_limit


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("some.interp.yaml").write_text(trace_spec(backends="[nnsight]"))
    return "some.interp.yaml"


def run(spec, *arguments, experiment="causal_trace"):
    try:
        return main(["run", experiment, "--config", spec, *arguments])
    except SystemExit as usage:  # what argparse refuses by itself
        return usage.code


def test_writes_result_config_claims_and_figure_and_says_where(spec, tmp_path, capsys):
    assert run(spec, "--tag", "first") == 0
    out = capsys.readouterr().out
    folder = tmp_path / "outputs" / "causal_trace" / "first"
    assert "wrote outputs/causal_trace/first/" in out
    assert "passed: fact_localized: {site: resid_post@subject, layer_range: [0, 3]}" in out
    files = sorted(file.name for file in folder.iterdir())
    assert files == ["claims.yaml", "config.yaml", "figure.png", "result.json"]
    assert [entry.name for entry in folder.parent.iterdir()] == ["first"]

    saved = json.loads((folder / "result.json").read_text())
    assert saved["result"]["kind"] == "causal_trace"
    provenance = saved["provenance"]
    for key in ("time", "model", "fingerprint", "device", "dtype", "bos", "attention", "python"):
        assert provenance[key]
    for key in ("platform", "versions", "seed", "git_sha", "git_dirty"):
        assert key in provenance
    assert provenance["backend"] == "nnsight"
    claims = yaml.safe_load((folder / "claims.yaml").read_text())
    assert claims[0]["status"] == "passed"
    assert claims[0]["verdict"]["n_prompts"] == 1
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.guarantee(
    "green",
    "`pytest-interp run` reads a result that was kept, and says so.",
    sees="how many results came from earlier runs, and `--cache=refresh`",
)
def test_a_kept_result_is_used_and_said(spec, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_RESULTS", str(tmp_path / "kept"))
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    said, provenance = {}, {}
    for tag, given in (("first", ()), ("again", ()), ("new", ("--cache=refresh",))):
        assert run(spec, "--tag", tag, *given) == 0
        said[tag] = "1 of 1 results came from earlier runs" in capsys.readouterr().out
        file = tmp_path / "outputs" / "causal_trace" / tag / "result.json"
        provenance[tag] = json.loads(file.read_text())["provenance"]
    assert said == {"first": False, "again": True, "new": False}
    assert provenance["again"] == provenance["first"]


def test_the_figure_shows_what_is_claimed(spec, tmp_path):
    false = "claims=[{sufficient: {site: resid_post@subject, layer_range: [0, 4]}}]"
    for tag, changed in (("none", "claims=[]"), ("one", false), ("all", "seed=0")):
        run(spec, "--tag", tag, "--set", changed)
    folder = tmp_path / "outputs" / "causal_trace"
    heights = [
        Image.open(io.BytesIO((folder / tag / "figure.png").read_bytes())).height
        for tag in ("none", "one", "all")
    ]
    assert heights[0] < heights[1] < heights[2], "a line of the legend for each limit"


@pytest.mark.guarantee(
    "messages",
    "`pytest-interp run` takes the experiment from the file, and asks for no other.",
    sees="The run; an error where the file names none.",
)
def test_the_file_names_the_experiment(spec, tmp_path, capsys):
    assert main(["run", "--config", spec, "--tag", "first"]) == 0
    assert (tmp_path / "outputs" / "causal_trace" / "first" / "result.json").is_file()
    file = tmp_path / spec
    file.write_text(file.read_text().replace("experiment: causal_trace\n", ""))
    assert main(["run", "--config", spec]) == 2
    assert "experiment" in capsys.readouterr().err


def test_resolved_config_runs_to_the_same_result(spec, tmp_path):
    assert run(spec, "--tag", "a", "--set", "inputs.site=mlp_out", "--set", "claims=[]") == 0
    folder = tmp_path / "outputs" / "causal_trace"
    assert run(str(folder / "a" / "config.yaml"), "--tag", "b") == 0
    first, second = (json.loads((folder / tag / "result.json").read_text()) for tag in "ab")
    assert first["result"] == second["result"]
    assert first["result"]["site"] == "mlp_out"
    assert not (folder / "a" / "claims.yaml").exists()
    assert main(["diff", str(folder / "a"), str(folder / "b")]) == 0


def test_the_config_of_a_run_can_be_read_in_any_script():
    config = files_of(trace(), {"inputs": {"prompt": "müde 東京"}}, [])["config.yaml"]
    assert "müde 東京" in config.decode()


def test_tag_is_not_overwritten_without_force(spec, tmp_path, capsys):
    assert run(spec, "--tag", "a") == 0
    note = tmp_path / "outputs" / "causal_trace" / "a" / "note.txt"
    note.write_text("mine")
    assert run(spec, "--tag", "a") == 2
    assert "--force" in capsys.readouterr().err
    assert note.read_text() == "mine"
    assert run(spec, "--tag", "a", "--force", "--set", "inputs.direction=noise") == 0
    assert not note.exists()
    saved = json.loads((note.parent / "result.json").read_text())
    assert saved["result"]["direction"] == "noise"


def test_runs_without_a_tag_do_not_meet(spec, tmp_path):
    assert run(spec, "--set", "claims=[]") == 0
    assert run(spec, "--set", "claims=[]") == 0
    assert len(list((tmp_path / "outputs" / "causal_trace").iterdir())) == 2


def test_failed_claim_is_status_1_and_its_result_is_kept(spec, tmp_path, capsys):
    false = "claims=[{fact_localized: {site: resid_post@subject, layer_range: [0, 4]}}]"
    assert run(spec, "--tag", "a", "--set", false) == 1
    assert "claimed at least 0.80" in capsys.readouterr().out
    claims = yaml.safe_load((tmp_path / "outputs/causal_trace/a/claims.yaml").read_text())
    assert claims[0]["status"] == "failed"


def test_overrides(spec, tmp_path):
    given = ("--model", "planted-llama", "--backend", "transformer_lens", "--dtype", "float64")
    assert run(spec, "--tag", "a", *given, "--device", "cpu", "--seed", "5") == 0
    config = yaml.safe_load((tmp_path / "outputs/causal_trace/a/config.yaml").read_text())
    assert config["model"] == "planted-llama"
    assert config["backends"] == ["transformer_lens"]
    assert (config["dtype"], config["device"], config["seed"]) == ("float64", "cpu", 5)
    assert "seed" not in config["inputs"]
    assert [*config][:2] == ["model", "experiment"], "what matters most comes first"
    saved = json.loads((tmp_path / "outputs/causal_trace/a/result.json").read_text())
    assert saved["provenance"]["seed"] == 5


@pytest.mark.guarantee(
    "green",
    "`pytest-interp run --memory 4GB` bounds what passes take, as `--interp-memory` does.",
    sees="the same numbers by more passes of fewer rows; where no pass fits, what it needs",
)
def test_memory_bounds_the_passes(spec, tmp_path, capsys, monkeypatch):
    assert run(spec, "--tag", "whole", "--cache", "off") == 0
    seen = []
    monkeypatch.setattr(budgets, "memory_limit", lambda: seen.append(memory_limit()) or seen[-1])
    assert run(spec, "--tag", "cut", "--memory", "3MB", "--cache", "off") == 0
    assert set(seen) == {3_000_000}
    assert memory_limit() is None, "as before the run"
    made = [
        json.loads((tmp_path / f"outputs/causal_trace/{tag}/result.json").read_text())["result"]
        for tag in ("whole", "cut")
    ]
    np.testing.assert_allclose(*(one["recovery"] for one in made), atol=1e-5)
    assert run(spec, "--memory", "1KB") == 2
    assert "and the limit given allows 1 KB. Allow more with --interp-memory" in (
        said := capsys.readouterr().err
    )
    assert "pytest-interp run: --memory" in said
    assert run(spec, "--memory", "lots") == 2
    assert "'lots' is no amount of memory" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "model"), [((), "llama"), (("--model", "planted-gpt2"), "gpt2")])
def test_of_several_models_the_first_is_run(spec, tmp_path, given, model):
    file = tmp_path / spec
    file.write_text(file.read_text().replace("planted-gpt2", "[planted-llama, planted-gpt2]"))
    assert run(spec, "--tag", "a", "--set", "claims=[]", *given) == 0
    folder = tmp_path / "outputs/causal_trace/a"
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"] == f"planted-{model}"
    saved = json.loads((folder / "result.json").read_text())
    assert saved["provenance"]["model"] == f"planted-{model}"


USAGE = {
    "no config": (["--config", "absent.yaml"], "absent.yaml:1: the file cannot be read"),
    "other experiment": ([], "this is the experiment 'causal_trace', not 'logit_lens'"),
    "unknown model": (["--model", "gtp2"], "--model: unknown model 'gtp2'. Did you mean 'gpt2'"),
    "unknown backend": (
        ["--backend", "nsight"],
        "--backend: backends.0: unknown backend 'nsight'.",
    ),
    "unknown key": (["--set", "inputs.sit=mlp_out"], "did you mean 'site'"),
    "no value": (["--set", "inputs.site"], "KEY=VALUE"),
    "no mapping": (["--set", "model.x=1"], "--set model.x: 'model' is no mapping"),
    "no YAML": (["--set", "seed=[1"], "--set seed: a list is opened by ["),
    "value of itself": (["--set", "inputs.layers=&a [*a]"], "--set inputs.layers: this value"),
    "wrong seed": (["--set", "seed=x"], "--set seed: seed: expected a whole number, got 'x'"),
    "unknown device": (["--device", "tpu"], "--device: device: unknown device 'tpu'"),
    "other experiment by --set": (
        ["--set", "experiment=logit_lens"],
        "--set experiment: this is the experiment 'logit_lens', not 'causal_trace'",
    ),
    "tag that is too long": (["--tag", "x" * 300], "up to 60 letters"),
    "file for a folder": (["--out", "some.interp.yaml"], "cannot be written (Not a directory)"),
    "folder that nobody can make": (["--out", "/proc/nope"], "cannot be written"),
    "tag that climbs": (["--tag", "../x"], "cannot name a folder"),
    "missing weights": (["--model", "qwen3-0.6b"], "models fetch Qwen/Qwen3-0.6B"),
    "layers that the model lacks": (["--set", "inputs.layers=[40]"], "layers 0 to 5"),
}


def test_seed_of_a_resolved_config_can_be_replaced(spec, tmp_path):
    noisy = ("--set", "inputs.corruption=gaussian", "--set", "claims=[]")
    folder = tmp_path / "outputs" / "causal_trace"
    assert run(spec, "--tag", "a", "--seed", "1", *noisy) == 0
    assert run(str(folder / "a" / "config.yaml"), "--tag", "b", "--seed", "2") == 0
    assert run(spec, "--tag", "c", "--seed", "2", *noisy) == 0
    a, b, c = (json.loads((folder / tag / "result.json").read_text()) for tag in "abc")
    assert (a["provenance"]["seed"], b["provenance"]["seed"]) == (1, 2)
    assert b["result"] == c["result"] != a["result"]


def test_nothing_is_computed_for_a_folder_that_cannot_be_written(spec, monkeypatch):
    import pytest_interp.models.loader

    def load(*_):
        raise AssertionError("the model was loaded first")

    monkeypatch.setattr(pytest_interp.models.loader, "load_model", load)
    assert run(spec, "--out", "some.interp.yaml") == 2


def test_what_was_there_survives_a_run_that_cannot_be_put_in_its_place(spec, tmp_path, monkeypatch):
    assert run(spec, "--tag", "a") == 0
    folder = tmp_path / "outputs" / "causal_trace"
    before = (folder / "a" / "result.json").read_bytes()

    def rename(source, target, rename=os.rename):
        if Path(source).name == "fresh":
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", rename)
    assert run(spec, "--tag", "a", "--force", "--set", "inputs.direction=noise") == 2
    assert (folder / "a" / "result.json").read_bytes() == before
    assert [entry.name for entry in folder.iterdir()] == ["a"]


def test_error_of_somebodys_experiment_is_status_2(spec, monkeypatch, capsys):
    from pytest_interp.experiments.configs import CausalTrace

    monkeypatch.setattr(CausalTrace, "run", lambda self, adapter: {}["boom"])
    assert run(spec) == 2
    assert "KeyError: 'boom'" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "words"), USAGE.values(), ids=USAGE)
def test_usage_is_status_2_and_writes_nothing(spec, tmp_path, capsys, arguments, words):
    experiment = "logit_lens" if not arguments else "causal_trace"
    assert run(spec, *arguments, experiment=experiment) == 2
    error = capsys.readouterr().err
    assert error.startswith("pytest-interp: ")
    assert words in error
    assert not (tmp_path / "outputs").exists()


def test_claim_that_does_not_fit_the_result_is_status_2(spec, tmp_path, capsys):
    beyond = "claims=[{fact_localized: {site: resid_post@subject, layer_range: [0, 40]}}]"
    assert run(spec, "--tag", "a", "--set", beyond) == 2
    assert "were not traced" in capsys.readouterr().out
    assert (tmp_path / "outputs/causal_trace/a/result.json").exists()
