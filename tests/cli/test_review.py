"""``pytest-interp review`` in a terminal and from scripts."""

import re
import shutil
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from baseline_project import LENS, TRACE, Project, text

# runs inside of this process import anew what it does not hold
import pytest_interp.adapters.nnsight
import pytest_interp.adapters.transformer_lens
import pytest_interp.experiments
import pytest_interp.figures.render
import pytest_interp.models.loader  # noqa: F401
from pytest_interp.cli import main
from pytest_interp.planted import planted_model


@pytest.fixture
def project(pytester):
    """Two comparisons that failed; the working folder is the project's."""
    made = Project(pytester)
    made.run("--interp-update=missing").assert_outcomes(passed=2)
    made.now(crossover=6)
    (made.path / f"{TRACE}.png").unlink()
    made.run().assert_outcomes(failed=2)
    return made


def answers(monkeypatch, *given):
    """Answer the questions, and then end the input."""
    left = iter(given)
    asked = []

    def ask(question):
        asked.append(question)
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", ask)
    return asked


def test_list_accept_and_reject(project, capsys):
    before = project.saved()
    assert main(["review", "--list"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"[0-9a-f]{10}  changed  specs/test_a\.py::test_lens  .*made\.json", first)
    assert "specs/test_a.py::test_trace" in second
    assert project.saved() == before
    assert main(["review", "--accept", first[:10], "--note", "the new tokenizer"]) == 0
    assert "updated baselines/specs/test_a/test_lens--made.json" in capsys.readouterr().out
    assert b'"note": "the new tokenizer"' in project.saved()[f"{LENS}.json"]
    assert main(["review", "--reject", "all"]) == 0
    assert f"refused: {TRACE}.json stays as it is" in capsys.readouterr().out
    assert project.saved()[f"{TRACE}.json"] == before[f"{TRACE}.json"]
    assert main(["review", "--list"]) == 0
    assert "nothing waits for a review" in capsys.readouterr().out


def test_what_cannot_be_accepted_gives_status_2(project, capsys):
    assert main(["review", "--accept", "nonsense"]) == 2
    assert "'nonsense': nothing waits under this id" in capsys.readouterr().err
    (project.path / f"{TRACE}.json").unlink()
    assert main(["review", "--accept", "all"]) == 2
    out, err = capsys.readouterr()
    assert "updated baselines/specs/test_a/test_lens--made.json" in out
    assert "was not accepted: baselines/specs/test_a/test_trace--made.json changed after" in err


def test_each_is_shown_and_asked_for(project, capsys, monkeypatch):
    asked = answers(monkeypatch, "x", "a", "the <b>new</b> tokenizer", "r")
    assert main(["review"]) == 0
    out = capsys.readouterr().out
    assert "[1 of 2]" in out
    assert "crossover_layer: 8 -> 6, by -2" in out
    assert f"saved figure: {LENS}.png" in out
    assert "new figure: .pytest_interp/pending/specs/test_a/test_lens--made.png" in out
    assert "answer with one of the letters a, r, s, q" in out
    assert "nothing is left to review" in out
    assert "accept (a), refuse (r)" in asked[0]
    assert b"the <b>new</b> tokenizer" in project.saved()[f"{LENS}.json"]


@pytest.mark.parametrize("given", [["s", "s"], ["q"], []])
def test_what_was_not_answered_is_left(project, capsys, monkeypatch, given):
    before = project.saved()
    answers(monkeypatch, *given)
    assert main(["review"]) == 1
    assert "2 left to review" in capsys.readouterr().out
    assert project.saved() == before


def test_one_id_shows_one(project, capsys, monkeypatch):
    main(["review", "--list"])
    one, _ = (line[:10] for line in capsys.readouterr().out.splitlines())
    answers(monkeypatch, "r")
    assert main(["review", one]) == 1
    assert "[1 of 1]" in capsys.readouterr().out


def test_what_may_not_be_accepted_is_not_offered(project, capsys, monkeypatch):
    (project.path / "specs/test_a.py").write_text("def test_other(): pass")
    asked = answers(monkeypatch, "a", "s", "q")
    assert main(["review"]) == 1
    assert (
        "it may not be accepted: specs/test_a.py changed after the run" in capsys.readouterr().out
    )
    assert not any("accept" in question for question in asked)


def test_the_command_of_the_message_shows_that_result(project, capsys, monkeypatch, tmp_path):
    ini = project.path / "other.ini"
    ini.write_text((project.path / "tox.ini").read_text() + "\ninterp_pending_dir = there\n")
    (project.path / f"{LENS}.png").unlink()
    for options in (["-c", "other.ini"], ["-o", "interp_pending_dir=elsewhere"]):
        said = text(project.run("specs/test_a.py::test_lens", *options))
        (command,) = set(re.findall(r"pytest-interp (review .*)", said))
        monkeypatch.setattr("builtins.input", lambda _: "q")
        assert main(command.split()) == 1
        assert "specs/test_a.py::test_lens" in capsys.readouterr().out
    (project.path / "below").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["review", "--list", "--project", str(project.path)]) == 1


@pytest.mark.guarantee(
    "files",
    "Text of prompts, claims and notes in a review is shown as text.",
    sees="Escapes of the terminal are written out, and markup is no markup.",
)
def test_nothing_steers_the_terminal(project, capsys, monkeypatch):
    evil = "\x1b]0;title\x07\x1b[2J\u202e<script>alert(1)</script>"
    main(["review", "--accept", "all", "--note", evil])
    project.now(crossover=4)
    project.run()
    capsys.readouterr()
    answers(monkeypatch, "q")
    assert main(["review"]) == 1
    out = capsys.readouterr().out
    assert "\\x1b]0;title\\x07\\x1b[2J\\u202e<script>" in out
    assert not set(out) & {"\x1b", "\x07", "\u202e"}


CLAIMS = """
    import pytest
    from pytest_interp import assert_handoff

    @pytest.mark.interp(model="planted-gpt2")
    def test_fact(trace, baseline):
        from pytest_interp.planted import planted_model
        planted = planted_model("gpt2")
        result = trace(planted.facts[0])
        assert_handoff(result, "subject", "last", planted.parameters.read_layer)
        baseline.check(result)
"""


def test_the_claims_of_the_test_are_shown(pytester, capsys, monkeypatch):
    pytester.makepyfile(**{"specs/test_c": CLAIMS})
    one = ("-p", "no:cacheprovider", "--interp-backend", "nnsight")
    pytester.runpytest_inprocess(*one).assert_outcomes(failed=1)
    answers(monkeypatch, "q")
    assert main(["review"]) == 1
    out = capsys.readouterr().out
    assert "  claim: " in out
    assert "    passed: " in out
    assert "nnsight only compares" in out


YAML = """
experiment: logit_lens
model: planted-gpt2
backends: [transformer_lens]
inputs:
  prompt: {prompt!r}
  answer: {answer!r}
claims:
  - crystallises: {{by_layer: {layer}}}
baseline: true
"""


def test_the_claims_of_a_spec_file_are_shown_with_its_baseline(pytester, capsys, monkeypatch):
    planted = planted_model("gpt2")
    fact, layer = planted.facts[0], planted.module.config.num_hidden_layers - 1
    text = YAML.format(prompt=fact.clean_prompt, answer=fact.answer, layer=layer)
    pytester.makefile(".interp.yaml", lens=text)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, failed=1)
    answers(monkeypatch, "a", "")
    assert main(["review"]) == 0
    out = capsys.readouterr().out
    assert "  claim: " in out
    assert "    passed: " in out
    assert "nothing was saved before" in out
    assert "added baselines/lens.interp/baseline--planted-gpt2.json" in out


def test_a_note_is_shown_where_two_states_are_compared(project, capsys):
    shutil.copytree(project.path / "baselines", project.path / "old")
    main(["review", "--accept", "all", "--note", "the new tokenizer"])
    capsys.readouterr()
    assert main(["diff", "old", "baselines"]) == 1
    out = capsys.readouterr().out
    assert out.count("accepted: the new tokenizer") == 2


def test_the_page_is_served_until_it_is_ended(project):
    command = [sys.executable, "-m", "pytest_interp", "review", "--web"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        address = urlsplit(served.stdout.readline().removeprefix("open ").strip())
        assert address.hostname == "127.0.0.1"
        for method, part, status in (("GET", "", 200), ("POST", "done", 303)):
            connection = HTTPConnection(address.netloc, timeout=60)
            headers = {"Origin": f"http://{address.netloc}"}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, f"{address.path}{part}", headers=headers)
            answer = connection.getresponse()
            assert answer.status == status
            answer.read()
            connection.close()
        said = served.stdout.read()
    assert "2 left to review" in said
    assert served.returncode == 1
