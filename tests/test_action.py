"""The steps of ``action.yml`` as the shell runs them, with stubs for the network alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"] if "id" in step}
MARKER = "<!-- pytest-interp report pytest-interp -->"
SPEC = """
import pytest
from pytest_interp.claims import Status, Verdict, conclude

@pytest.mark.interp(model="planted-gpt2", backends="nnsight")
@pytest.mark.parametrize("given", ["a b"])
def test_it(interp_target, given):
    conclude(
        Verdict(
            "the fact <b>sits</b> there", Status.{status}, "So it is.", 1, 1,
            models=(interp_target.model,), backends=(interp_target.backend,),
        )
    )
"""
GH = f"""#!{sys.executable}
import json, os, subprocess, sys
from pathlib import Path

arguments = sys.argv[1:]
with open("gh.log", "a") as log:
    log.write(json.dumps([*arguments, os.environ["GH_TOKEN"]]) + "\\n")
if Path("gh.refuses").exists() and Path("gh.refuses").read_text() in arguments:
    sys.exit("HTTP 403: Resource not accessible by integration")
if "--jq" in arguments:
    program = arguments[arguments.index("--jq") + 1]
    page = Path("comments.json").read_text()
    sys.exit(subprocess.run(["jq", "-r", program], input=page, text=True).returncode)
(body,) = [one for one in arguments if one.startswith("body=@")]
Path("sent.md").write_text(Path(body.removeprefix("body=@")).read_text())
"""
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="gh has jq built in; its stub not")


@pytest.fixture
def step(tmp_path, monkeypatch):
    """Run a step of the action in an empty project, as GitHub's bash does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "specs").mkdir()
    (tmp_path / "bin" / "gh").write_text(GH)
    # pip asks the network; all else is this Python
    (tmp_path / "bin" / "python").write_text(
        f'#!/bin/bash\nif [ "$2" = pip ]; then shift 2; echo "$@" >> pip.log; else\n'
        f'exec {sys.executable} "$@"; fi\n'
    )
    for stub in (tmp_path / "bin").iterdir():
        stub.chmod(0o755)
    (tmp_path / "comments.json").write_text("[]")
    (tmp_path / "output").write_text("")

    def run(name, **given):
        environment = dict.fromkeys(STEPS[name].get("env", {}), "")
        environment |= {
            "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", str(tmp_path)),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "HF_HUB_OFFLINE": "1",
        }
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]]
        return subprocess.run(
            shell,
            env=environment | given,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def comment(step, body="### ✅ said\n", **given):
    Path("report").mkdir(exist_ok=True)
    Path("report/report.md").write_text(body)
    said = {
        "REPORT": "report",
        "REPOSITORY": "owner/name",
        "NUMBER": "7",
        "MARKER": MARKER,
        "GH_TOKEN": "secret",
        "RUN_URL": "https://github.com/owner/name/actions/runs/1",
    }
    done = step("comment", **said | given)
    assert done.returncode == 0, done.stderr
    log = Path("gh.log")
    calls = log.read_text().splitlines() if log.exists() else []
    return done.stdout, [json.loads(call) for call in calls]


def a_comment(number, body, kind="Bot"):
    return {"id": number, "body": body, "user": {"type": kind}}


def test_the_documented_workflows_are_yaml():
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    loaded = [yaml.safe_load(block) for block in blocks]
    ours = [
        step
        for block in loaded
        if isinstance(block, dict) and "jobs" in block
        for job in block["jobs"].values()
        for step in job["steps"]
        if "pytest-interp@" in step.get("uses", "")
    ]
    (used,) = ours
    assert used["with"].keys() <= ACTION["inputs"].keys()


def test_no_input_is_pasted_into_a_shell():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_every_input_is_used_and_described():
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    for name, about in ACTION["inputs"].items():
        assert f"inputs.{name}" in text
        assert about["description"]


def test_torch_the_package_and_the_weights_are_installed(step):
    step("install", PACKAGE="pytest-interp[tl]", WEIGHTS="a==1 b==2", TORCH_INDEX="https://t")
    step("install", ACTION="/actions/here")
    assert Path("pip.log").read_text().splitlines() == [
        "install torch --index-url https://t",
        "install pytest-interp[tl]",
        "install --no-deps a==1 b==2",
        "install /actions/here[all]",
    ]


@pytest.mark.parametrize(("status", "code"), [("PASSED", 0), ("FAILED", 1)])
def test_specs_run_and_every_report_is_written(step, tmp_path, status, code):
    Path("specs/test_a.py").write_text(SPEC.format(status=status))
    Path("pytest.ini").write_text("[pytest]\n")
    done = step("specs", SPECS="specs", ARGS="-k 'test_it and a' -p no:cacheprovider", REPORT="r")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path("output").read_text() == f"status={code}\nreport=r\n"
    assert {path.name for path in Path("r").iterdir()} == {
        "junit.xml",
        "report.html",
        "report.json",
        "report.md",
    }
    assert "&#60;b&#62;sits" in Path("r/report.md").read_text()
    assert step("verdict", STATUS=str(code)).returncode == code


def test_a_run_that_broke_off_is_no_pass(step):
    assert step("verdict", STATUS="").returncode == 1


@needs_jq
def test_the_first_run_comments_and_the_next_one_updates_it(step):
    Path("comments.json").write_text(json.dumps([a_comment(1, "hello")]))
    _, calls = comment(step)
    assert calls[1][:4] == ["api", "--method", "POST", "repos/owner/name/issues/7/comments"]
    sent = Path("sent.md").read_text()
    assert sent.startswith(f"{MARKER}\n### ✅ said\n")
    assert sent.endswith("[Whole report](https://github.com/owner/name/actions/runs/1)\n")
    Path("comments.json").write_text(json.dumps([a_comment(1, "hello"), a_comment(42, sent)]))
    _, calls = comment(step, "### ❌ other\n")
    assert calls[3][:4] == ["api", "--method", "PATCH", "repos/owner/name/issues/comments/42"]
    assert "### ❌ other" in Path("sent.md").read_text()


@needs_jq
@pytest.mark.parametrize(
    "other",
    [
        a_comment(5, f"{MARKER}\nfrom a person", "User"),
        a_comment(5, f"quoted: {MARKER}"),
        a_comment(5, "<!-- pytest-interp report another -->\n"),
    ],
)
def test_comments_of_others_are_left_alone(step, other):
    Path("comments.json").write_text(json.dumps([other]))
    _, calls = comment(step)
    assert "POST" in calls[1]


@pytest.mark.parametrize("refused", ["--jq", "POST"])
def test_without_permission_the_job_goes_on_and_says_what_to_grant(step, refused):
    if refused == "POST" and shutil.which("jq") is None:
        pytest.skip("gh has jq built in; its stub not")
    Path("gh.refuses").write_text(refused)
    said, _ = comment(step)
    assert re.search(r"^::warning::.*pull-requests: write", said, re.M)


def test_without_a_report_there_is_no_comment(step):
    said, calls = comment(step, "")
    assert "::warning::no report was written" in said
    assert calls == []


@needs_jq
def test_the_token_is_given_to_gh_alone(step):
    _, calls = comment(step)
    assert {call[-1] for call in calls} == {"secret"}
    assert "secret" not in Path("sent.md").read_text()
    assert [name for name, one in STEPS.items() if "GH_TOKEN" in one.get("env", {})] == ["comment"]
