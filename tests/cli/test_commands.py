"""The commands around a run."""

import json
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from pytest_interp.cli import main
from pytest_interp.models import register_model
from tests.tiny import tiny_module, tiny_tokenizer


def test_models_lists_all_with_what_is_missing(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "here" in lines["planted-gpt2"]
    assert "Qwen/Qwen3-0.6B" in lines["qwen3-0.6b"]
    assert "transformer_lens, nnsight" in out


@pytest.mark.guarantee(
    "messages",
    "`pytest-interp models` says where a converted model lies.",
    sees="The folder of each model that was converted.",
)
def test_models_says_where_a_converted_model_lies(capsys, monkeypatch, tmp_path):
    from pytest_interp.models.converted import entry_folder
    from pytest_interp.models.registry import SMOLLM2

    monkeypatch.setenv("PYTEST_INTERP_CACHE", str(tmp_path))
    assert main(["models"]) == 0
    assert "lies converted" not in capsys.readouterr().out
    entry_folder(SMOLLM2.sha256).mkdir(parents=True)
    assert main(["models"]) == 0
    assert f"smollm2-135m lies converted in {tmp_path}/models/" in capsys.readouterr().out


def test_fetch_says_what_is_here_and_how_to_get_what_is_not(capsys):
    assert main(["models", "fetch", "planted-qwen3"]) == 0
    assert "fingerprint" in capsys.readouterr().out
    assert main(["models", "fetch", "gpt2"]) == 2
    assert "models fetch openai-community/gpt2" in capsys.readouterr().err
    assert main(["models", "fetch", "gtp2"]) == 2
    assert "Did you mean 'gpt2'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["planted-gpt2", "planted-qwen3", "planted-llama"])
def test_check_finds_both_backends_alike(name, capsys):
    assert main(["models", "check", name]) == 0
    out = capsys.readouterr().out
    for row in ("tokens", "logits", "read resid_mid", "read head", "identity at mlp_out"):
        assert f"{row} " in out
    assert "FAIL" not in out


def test_check_finds_a_backend_that_differs(tmp_path, capsys, monkeypatch):
    from pytest_interp.adapters.nnsight import NNsightAdapter

    tiny_module("gemma3").save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    register_model("check-tiny", tmp_path)
    assert main(["models", "check", "check-tiny", "--prompt", "w1 w2 w3"]) == 0
    capsys.readouterr()

    forward = NNsightAdapter._forward

    def spoiled(self, tokens, taps, *rest):
        # reads the wrong place: twice what is there
        wrong = {site: (lambda x, tap=tap: tap(2 * x)) for site, tap in taps.items()}
        return forward(self, tokens, wrong, *rest)

    monkeypatch.setattr(NNsightAdapter, "_forward", spoiled)
    assert main(["models", "check", "check-tiny", "--prompt", "w1 w2 w3"]) == 1
    out = capsys.readouterr().out
    assert "check-tiny does not pass: read " in out


FACTS = """\
name: monuments
templates: {say: "visitors say that {} stands in"}
facts:
  - {id: known, template: say, subject: Acropolis, answer: " Paris",
     other: Alhambra, other_answer: " Rome"}
  - {id: wrong, template: say, subject: Alhambra, answer: " Berlin",
     other: Acropolis, other_answer: " Madrid"}
  - {id: long, template: say, subject: Acropolis, answer: " Paris",
     other: Alhambra Atomium, other_answer: " Rome"}
"""


@pytest.mark.guarantee(
    "messages",
    "A fact that is not known is listed with the reason, its rank and what the model says.",
    sees="`pytest-interp facts` prints all three.",
)
def test_facts_says_which_are_known_and_why_others_are_not(tmp_path, capsys):
    tmp_path.joinpath("facts.yaml").write_text(FACTS)
    assert main(["facts", "planted-gpt2", str(tmp_path / "facts.yaml")]) == 0
    out = capsys.readouterr().out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert lines["known"].split()[1] == "yes"
    assert lines["known"].split()[4:6] == ["0", "'Paris'"]
    assert lines["wrong"].split()[1] == "no"
    assert "the model does not prefer ' " in lines["wrong:"]
    assert "'Rome'" in lines["wrong"]
    assert "differ in length" in lines["long:"]
    assert "a gap of at least 1 logit, as claims ask" in out
    assert "planted-gpt2 knows 1 of 3 facts of monuments" in out


def test_facts_file_that_is_not_there(capsys):
    assert main(["facts", "planted-gpt2", "absent.yaml"]) == 2
    assert "absent" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [[], pytest.param(["--python"], marks=pytest.mark.slow)])
def test_new_writes_a_spec_that_passes(pytester, kind, capsys):
    assert main(["new", "monuments", *kind]) == 0
    file = capsys.readouterr().out.split()[1].rstrip(".")
    assert main(["new", "monuments", *kind]) == 2
    assert "exists already" in capsys.readouterr().err
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_new_refuses_names_of_other_folders(pytester, capsys):
    assert main(["new", "../x"]) == 2
    assert "cannot name a spec" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["afile", "/proc/zz"])
def test_new_says_that_a_folder_cannot_be_made(pytester, capsys, folder):
    pytester.path.joinpath("afile").touch()
    assert main(["new", "x", folder]) == 2
    assert f"the folder {folder} cannot be made" in capsys.readouterr().err
    assert main(["new", "x" * 300]) == 2


def test_error_of_the_system_is_status_2(monkeypatch, capsys):
    def run(given):
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr("pytest_interp.cli.doctor.run", run)
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == "pytest-interp: /some/file: Permission denied\n"


def test_schema_is_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "pytest-interp spec"


def test_doctor_is_content_here(capsys, monkeypatch):
    assert main(["doctor"]) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert re.search(rf"^torch +{re.escape(version('torch'))}$", out, re.MULTILINE)
    assert "no problem found" in out


def test_doctor_finds_a_fixture_of_another_plugin(tmp_path, capsys, monkeypatch):
    tmp_path.joinpath("other_plugin.py").write_text(
        "import pytest\n@pytest.fixture\ndef model():\n    '''Another.'''\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTEST_PLUGINS", "other_plugin")
    assert main(["doctor"]) == 1
    assert "another plugin defines the fixture 'model' too" in capsys.readouterr().out
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:interp")
    assert main(["doctor"]) == 1
    assert "no fixture 'adapter'" in capsys.readouterr().out


@pytest.mark.guarantee(
    "messages",
    "The doctor names what is in the way, and does not stop at it.",
    sees="A problem with its cause and its remedy, below all that was found.",
)
def test_doctor_finds_a_cache_that_has_no_folder(capsys, monkeypatch):
    monkeypatch.setenv("PYTEST_INTERP_CACHE", "~no-such-user/cache")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert re.search("^converted models +none, see below$", out, re.MULTILINE)
    assert "hub cache" in out
    assert "problem: the folder for converted models, ~no-such-user/cache, cannot be used" in out


@pytest.mark.guarantee(
    "messages",
    "The doctor names what is in the way, and does not stop at it.",
    sees="A problem with its cause and its remedy, below all that was found.",
)
def test_doctor_finds_that_plugins_are_not_loaded_by_themselves(capsys, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert main(["doctor"]) == 1
    assert "run pytest with -p pytest_interp.plugin" in capsys.readouterr().out


@pytest.mark.guarantee(
    "green",
    "Spec files that pytest passes over because the plugin is off are found by the doctor.",
    sees="The plugin is on or off in this folder, how many spec files there are, and a problem.",
)
@pytest.mark.parametrize(
    ("options", "state", "status"), [("", "on in this folder", 0), ("-p no:interp", "off in", 1)]
)
def test_doctor_counts_spec_files_and_says_whether_the_plugin_is_on(
    pytester, capsys, options, state, status
):
    for name in ("a", "b/c", ".hidden/d", "venv/e"):
        file = pytester.path / f"{name}.interp.yaml"
        file.parent.mkdir(exist_ok=True)
        file.touch()
    pytester.makeini(f"[pytest]\naddopts = {options}\n")
    assert main(["doctor"]) == status
    out = capsys.readouterr().out
    lines = {line.split("  ")[0]: line for line in out.splitlines() if line.strip()}
    assert state in lines["plugin"]
    assert lines["spec files"].endswith(" 2")
    assert ("pytest passes over its 2 spec files" in out) == bool(status)


@pytest.mark.slow
def test_python_dash_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "pytest_interp", "run", "logit_lens", "--config", "absent.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "absent.yaml:1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["nothing"], ["run"], ["run", "x"]])
def test_wrong_usage_is_status_2(arguments):
    with pytest.raises(SystemExit) as usage:
        main(arguments)
    assert usage.value.code == 2
