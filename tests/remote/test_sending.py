"""Asking for runs that are sent to a server, and what is said where that fails."""

import pytest
import torch

from pytest_interp import load_model, logit_lens
from pytest_interp.adapters import open_adapter
from pytest_interp.cli import main
from pytest_interp.errors import RemoteError, SpecError
from pytest_interp.models import PlantedSource, register_model
from pytest_interp.specs.schema import read_spec
from tests.tiny import tiny_weights

SPEC = """\
model: planted-llama
experiment: logit_lens
remote: REMOTE
backends: [nnsight]
device: cpu
inputs:
  prompt: visitors say that Acropolis stands in
  answer: Paris
claims:
  - crossover_layer: {at_most: 4, at_least: 4}
"""
KEPT = pytest.mark.guarantee(
    "messages",
    "A run that is sent to a server and gives no result says what failed and what to do.",
    sees="Whether to check the address or the key, to wait, to run again, or to try remote: local.",
)


@pytest.fixture
def sent():
    return open_adapter(tiny_weights("llama"), "nnsight", remote="local")


def test_a_spec_file_asks_for_it(tmp_path, monkeypatch):
    file = tmp_path / "far.interp.yaml"
    file.write_text(SPEC.replace("REMOTE", "local"))
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--config", str(file), "--tag", "far"]) == 0
    written = (tmp_path / "outputs" / "logit_lens" / "far" / "result.json").read_text()
    assert "planted llama, run at local" in written


@pytest.mark.slow
def test_pytest_runs_such_a_spec_and_a_test_that_is_marked_so(pytester):
    (pytester.path / "far.interp.yaml").write_text(SPEC.replace("REMOTE", "local"))
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.interp(model="planted-llama", backends="nnsight", remote="local")
        def test_lens(lens):
            made = lens("visitors say that Acropolis stands in", " Paris").provenance
            assert made.source == "planted llama, run at local"
        """
    )
    files = ("far.interp.yaml", next(pytester.path.glob("test_*.py")))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *files)
    result.assert_outcomes(passed=2)


def test_the_entry_of_a_model_asks_for_it():
    register_model("far", PlantedSource("llama"), remote="local")
    model = load_model("far", device="cpu")
    assert (model.backend, model.provenance().versions["server"]) == ("nnsight", "local")
    lens = logit_lens(model, "visitors say that Acropolis stands in", " Paris")
    assert lens.crossover_layer == 4
    assert lens.provenance is not None
    assert lens.provenance.source == "planted llama, run at local"


def test_only_results_come_back(sent):
    outside = []

    def edit(x):
        outside.append(len(x))
        return 2 * x

    tokens = sent.encode("w3 w10")
    doubled = sent.run(tokens, capture="resid_post.1", edits={"resid_post.1": edit})
    assert outside == []
    plain = sent.run(tokens, capture="resid_post.1")
    assert torch.equal(doubled["resid_post.1"], 2 * plain["resid_post.1"])


@KEPT
def test_the_graph_of_a_run_stays_there(sent):
    with pytest.raises(RemoteError, match=r"grad=True\) stays there.*gradient_of=function"):
        sent.run("w3 w10", "resid_post.1", grad=True)


@KEPT
def test_an_edit_that_needs_what_stays_behind_is_named(sent):
    edits = {"resid_post.1": lambda x: x + len(sent.name)}
    with pytest.raises(RemoteError, match=r"'name' of a RemoteAdapter, which stays behind"):
        sent.run(sent.encode("w3 w10"), edits=edits)


@pytest.mark.parametrize("remote", ["nidf", "localhost:5000", "ftp://x"])
def test_a_place_that_is_none_is_refused_with_those_that_are(tmp_path, remote):
    with pytest.raises(RemoteError, match="expected ndif, the address of a server"):
        register_model("far", PlantedSource("llama"), remote=remote)
    file = tmp_path / "a.interp.yaml"
    file.write_text(SPEC.replace("REMOTE", remote))
    with pytest.raises(SpecError, match=r"a\.interp\.yaml:3: .*expected ndif"):
        read_spec(file)


def test_another_backend_cannot_send_runs():
    with pytest.raises(RemoteError, match=r"transformer_lens cannot.*name the backend nnsight"):
        load_model("planted-llama", "transformer_lens", "cpu", remote="local")
