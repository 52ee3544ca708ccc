"""Claims of others in spec files: what they may return, and what becomes of their mistakes."""

import json
import subprocess
import sys
import textwrap

import pytest
import yaml

from pytest_interp.claims import Status, Verdict, check_sufficient, register_claim
from pytest_interp.claims.registry import CLAIMS
from pytest_interp.cli import main
from pytest_interp.errors import ClaimError, InterpError
from pytest_interp.specs.schema import read_spec
from tests.specs.spec_project import CONFTEST, run

OWN = """
from pytest_interp.claims import Status, Verdict, register_claim

def verdict(status):
    return Verdict("c", status, f"It is {status}.", n_prompts=1, n_clusters=1)

@register_claim("plain")
def assert_plain(result, most: int = 3) -> None:
    assert result.norm_2 <= most

@register_claim("worded")
def assert_worded(result):
    assert not result.norm_2, "there should be none"

@register_claim("from_a_library")
def assert_close(result):
    import numpy as np
    np.testing.assert_allclose(result.norm_2, 4.0)

@register_claim("check")
def check_it(result, status: str = "passed"):
    return verdict(Status(status))

@register_claim("truth")
def says_true(result):
    return result.norm_2 > 9

@register_claim("lazy")
def generates(result):
    yield result.norm_2 > 9

@register_claim("later")
async def waits(result):
    assert result.norm_2 > 9

@register_claim("broken")
def breaks(result):
    return {}["boom"]
"""
SPEC = """\
model: planted-gpt2
backends: [transformer_lens]
experiment: numbers
inputs: {x: 1}
claims:
"""
CLAIMS_OF = {
    "plain: {most: 5}": ("passed", ""),
    "plain: {}": ("failed", "failed: assert * <= *"),
    "worded: {}": ("failed", "failed: there should be none*"),
    "from_a_library: {}": ("failed", "failed: Not equal to tolerance*"),
    "check: {}": ("passed", ""),
    "check: {status: failed}": ("failed", "failed: It is failed."),
    "check: {status: inconclusive}": ("inconclusive", "inconclusive: It is inconclusive."),
    "truth: {}": ("misstated", "the claim 'truth' returned a bool*write assert in front of*"),
    "lazy: {}": ("misstated", "the claim 'lazy' returned a generator*without yield"),
    "later: {}": ("misstated", "the claim 'later' returned a coroutine*def in place of async def"),
    "broken: {}": ("error", "KeyError: 'boom'*"),
}
FIRST = SPEC.count("\n") + 1


@pytest.fixture
def others(pytester):
    pytester.makeconftest(CONFTEST + OWN)
    text = SPEC + "".join(f"  - {claim}\n" for claim in CLAIMS_OF)
    pytester.path.joinpath("some.interp.yaml").write_text(text)
    return pytester


@pytest.mark.guarantee(
    "green",
    "A claim passes by a passed verdict or by not raising; whatever else it returns is refused.",
    sees="The claim is misstated: what it returned says nothing; or the failed verdict.",
)
def test_under_pytest(others):
    result = run(others)
    result.assert_outcomes(passed=2, failed=9)
    for i, (claim, (status, words)) in enumerate(CLAIMS_OF.items()):
        if status not in ("passed", "error"):  # an error has its traceback
            lines = [f"some.interp.yaml:{FIRST + i}: {claim}", words]
            result.stdout.fnmatch_lines(lines if status == "misstated" else lines[::-1])
    for name in ("worded", "from_a_library"):  # in the file of the claim, not of NumPy
        result.stdout.fnmatch_lines([f"some.interp.yaml:*: {name}: {{}}", "  at conftest.py:*"])
    result.stdout.fnmatch_lines(["E *KeyError: 'boom'"])


def test_on_the_command_line_all_claims_are_checked_and_the_outputs_written(others, capsys):
    assert main(["run", "numbers", "--config", "some.interp.yaml", "--tag", "a"]) == 2
    folder = others.path / "outputs" / "numbers" / "a"
    assert json.loads((folder / "result.json").read_text())["result"] == {"norm": 1.0}
    claims = yaml.safe_load((folder / "claims.yaml").read_text())
    assert [claim["status"] for claim in claims] == [status for status, _ in CLAIMS_OF.values()]
    plain = claims[1]["message"].splitlines()
    assert plain[1] == f"some.interp.yaml:{FIRST + 1}: plain: {{}}"
    assert plain[0] == "failed: assert 5.0 <= 3"
    assert any(line.startswith("  at conftest.py:") for line in plain)
    assert claims[-1]["message"].startswith(
        f"some.interp.yaml:{FIRST + 10}: broken: {{}}\nKeyError"
    )
    # a verdict is heard once, and told with its own status alone
    assert claims[5]["verdict"]["sentence"] == "It is failed."
    assert claims[1]["verdict"] is None
    assert "error: broken: {}" in capsys.readouterr().out


def test_a_failed_claim_alone_is_status_1(others):
    only = "claims=[{plain: {}}]"
    assert main(["run", "numbers", "--config", "some.interp.yaml", "--set", only]) == 1


def test_a_returned_verdict_is_heard_once(others):
    others.makeconftest(
        CONFTEST
        + OWN
        + """
@register_claim("asserted")
def assert_and_return(result):
    from pytest_interp.claims import conclude
    return conclude(verdict(Status.PASSED))

def pytest_runtest_logreport(report):
    if report.when == "call":
        names = [name for name, _ in report.user_properties]
        print(" times", names.count("interp_verdict"))
"""
    )
    text = SPEC + "  - asserted: {}\n  - check: {}\n  - plain: {most: 9}\n"
    others.path.joinpath("some.interp.yaml").write_text(text)
    heard = [line.split()[-1] for line in run(others, "-s").outlines if " times " in line]
    assert heard == ["1", "1", "0"]


UNDER_O = """
import helper
from pytest_interp.claims import *
from pytest_interp.claims import Status, Verdict, register_claim, conclude
from pytest_interp.errors import ClaimError
from pytest_interp.specs.claims import Claim

def claim(function):
    register_claim(function.__name__)(function)
    return Claim(function.__name__, "it", "f:1", 1, function, {})

def plain(result): assert False
def helped(result): return helper.check(result)
def checks(result): return Verdict("c", Status.PASSED, "s", 1, 1)
def concludes(result): conclude(checks(result))

for function in (checks, concludes):
    claim(function).check(None)
for function in (plain, helped):
    try:
        claim(function).check(None)
    except ClaimError as error:
        print(error)
"""


@pytest.mark.guarantee(
    "green",
    "Under python -O, which leaves out asserts, a claim passes by a verdict alone.",
    sees="The claim is misstated: run Python without -O, or return a Verdict.",
)
def test_a_claim_of_plain_asserts_is_refused_where_python_leaves_them_out(tmp_path):
    tmp_path.joinpath("own.py").write_text(UNDER_O)
    tmp_path.joinpath("helper.py").write_text("def check(result): assert False\n")
    found = subprocess.run(
        [sys.executable, "-O", "own.py"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert found.stderr == ""
    for name in ("plain", "helped"):
        said = f"{name!r} returned no verdict, and python -O leaves out plain asserts"
        assert said in found.stdout


@pytest.mark.guarantee(
    "green",
    "Under python -O, which leaves out asserts, a claim passes by a verdict alone.",
    sees="The claim is misstated: run Python without -O, or return a Verdict.",
)
def test_a_helper_may_lack_the_asserts_that_pytest_keeps_in_a_claim(others):
    """Asserts of a conftest are rewritten by pytest, and so are there under -O; others are not."""
    others.path.joinpath("helper.py").write_text("def check(result): assert result.norm_2 > 9\n")
    others.makeconftest(
        CONFTEST
        + OWN
        + """
@register_claim("helped")
def helped(result):
    import helper
    helper.check(result)
"""
    )
    others.path.joinpath("some.interp.yaml").write_text(SPEC + "  - helped: {}\n  - check: {}\n")
    found = others.run(sys.executable, "-O", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["*'helped' returned no verdict, and python -O*"])


PACKAGE = """
    from pytest_interp.claims import register_claim

    def assert_small(result) -> None:
        assert result.norm_2 <= 3
"""


def test_another_package_adds_a_claim_whose_plain_asserts_speak(others, monkeypatch):
    site = others.mkdir("site")
    site.joinpath("somebodys.py").write_text(textwrap.dedent(PACKAGE))
    info = site / "somebodys-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: somebodys\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(
        "[pytest_interp.claims]\nsmall = somebodys:assert_small\n"
    )
    others.path.joinpath("some.interp.yaml").write_text(SPEC + "  - small: {}\n")
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")
    found = others.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["failed: assert 5.0 <= 3", "*where 5.0 = Numbers(*norm_2"])


def test_names_that_are_taken_are_refused():
    def assert_other(result): ...

    for name in ("handoff", "crystallises"):
        with pytest.raises(InterpError, match=f"the claim name '{name}' is taken by pytest_interp"):
            register_claim(name)(assert_other)
    register_claim("handoff", replace=True)(assert_other)
    assert CLAIMS.find("handoff") is assert_other


def test_claims_of_the_package_are_all_there():
    assert {"fact_localized", "handoff", "sufficient", "necessary", "no_effect"} < set(
        CLAIMS.names()
    )
    assert "backends_agree" not in CLAIMS  # it needs two results


@pytest.mark.parametrize("thing", [3, lambda: None])
def test_what_cannot_be_a_claim_is_refused(thing):
    with pytest.raises(ClaimError, match="cannot be the claim 'bad': write a function"):
        register_claim("bad")(thing)


def test_a_check_is_a_claim(write_spec):
    register_claim("enough")(check_sufficient)
    assert Verdict("c", Status.PASSED, "s", 1, 1)
    text = (
        "model: planted-gpt2\nexperiment: logit_lens\ninputs: {prompt: a, answer: b}\n"
        "claims: [{enough: {site: resid_post@last, layer_range: 3}}]\n"
    )
    (claim,) = read_spec(write_spec(text)).claims
    assert claim.arguments == {"site": "resid_post@last", "layer_range": 3}
