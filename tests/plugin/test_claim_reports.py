"""What a run says of its claims: in the summary, under a second backend, and in JUnit files."""

import json
from xml.etree import ElementTree

import pytest
from planted_spec import trace_spec

from tests.specs.spec_project import run

PYTHON = """
from pytest_interp import assert_fact_localized

def test_it(trace):
    assert_fact_localized(trace(FACT), "resid_post@subject", (0, LAST))
"""
FALSE = "failed: 0.000 at layer 4, subject, claimed at least 0.80"
SAME = pytest.mark.guarantee(
    "messages",
    "A failure that is the same under both backends is printed once; JUnit keeps both in full.",
    sees="The first words of the failure, and: the same under nnsight.",
)


@pytest.fixture(params=["yaml", "python"])
def claim(request, pytester, spec, monkeypatch):
    """Writes a spec whose claim holds up to layer 3, in both forms."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("CI", raising=False)

    def claim(last):
        if request.param == "yaml":
            pytester.path.joinpath("c.interp.yaml").write_text(trace_spec((0, last)))
        else:
            spec(PYTHON.replace("LAST", str(last)), "test_c")
        return pytester

    return claim


@pytest.mark.guarantee(
    "messages",
    "The first words of a failed claim, in the summary and in JUnit, say what was measured.",
    sees="failed: 0.000 at layer 4, subject, claimed at least 0.80",
)
def test_the_first_words_of_a_failure_say_what_happened(claim):
    result = run(claim(4), "--interp-backend=nnsight", "--junitxml=out.xml")
    (line,) = [line for line in result.outlines if line.startswith("FAILED ")]
    assert line.partition(" - ")[2].startswith(FALSE[:20])
    (failure,) = ElementTree.parse("out.xml").iter("failure")
    assert failure.get("message").startswith(f"{FALSE}\n")


def test_an_undecided_claim_says_why_at_once(pytester, spec):
    spec(
        """
        from pytest_interp.claims import Status, Verdict, conclude
        def test_it(adapter):
            conclude(Verdict("c", Status.INCONCLUSIVE, "2 templates are too few.", 8, 2))
        """.replace("\n        ", "\n")
    )
    result = run(pytester, "--interp-backend=nnsight")
    result.stdout.fnmatch_lines(["FAILED *nnsight? - inconclusive: 2 templ*"])


@pytest.mark.guarantee(
    "messages",
    "A passed claim shows what it came to, and by which margin, with -rA.",
    sees="passed: 1.000 at layer 0, subject, claimed at least 0.80, margin +0.200",
)
def test_a_passed_claim_shows_its_margin_on_demand(claim):
    result = run(claim(3), "--interp-backend=nnsight", "-rA")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*interp claims*", "passed: * at layer *, claimed * margin +0.*"])
    run(claim(3), "--interp-backend=nnsight").stdout.no_fnmatch_line("passed: *")


@SAME
@pytest.mark.parametrize(
    "options", [[], pytest.param(["-n2", "-p", "xdist"], marks=pytest.mark.slow)]
)
def test_the_same_failure_of_two_backends_is_printed_once(claim, options):
    result = claim(4).runpytest_subprocess("-p", "no:cacheprovider", "--junitxml=out.xml", *options)
    result.assert_outcomes(failed=2)
    whole = [line for line in result.outlines if "scope: existence, n = 1" in line]
    assert len(whole) == 1
    result.stdout.re_match_lines([r"^the same under (nnsight|transformer_lens) as in .*c\."])
    assert sum(line.startswith("FAILED ") for line in result.outlines) == 2
    failures = list(ElementTree.parse("out.xml").iter("failure"))
    assert ["scope: existence, n = 1" in failure.text for failure in failures] == [True, True]


@SAME
def test_other_failures_are_printed_each(pytester, spec, monkeypatch):
    """One third decimal is rounding, two are not; nor is another test's failure the same."""
    spec(
        """
        import pytest
        @pytest.mark.parametrize("step", [0.001, 0.002])
        def test_near(adapter, step):
            value = 0.3 + step * (adapter.backend == "nnsight")
            pytest.fail(f"it is {value:.3f}, {value - 0.3005:+.0e}", pytrace=True)

        def test_words(adapter):
            raise ValueError(adapter.backend)
        """.replace("\n        ", "\n")
    )
    result = run(pytester)
    result.assert_outcomes(failed=6)
    same = [line for line in result.outlines if line.startswith("the same under")]
    assert len(same) == 1
    assert "[planted-gpt2-" in same[0]
    assert "0.001" in same[0]


@pytest.mark.guarantee(
    "messages",
    "JUnit files hold the fingerprint, the result and the verdict of every test, as JSON.",
    sees="The properties interp_fingerprint, interp_result and interp_verdict; no warning.",
)
def test_properties_are_json_and_nothing_warns(claim):
    result = run(claim(3), "--junitxml=out.xml", "-W", "error")
    result.assert_outcomes(passed=2)
    for case in ElementTree.parse("out.xml").iter("testcase"):
        found = {one.get("name"): one.get("value") for one in case.iter("property")}
        verdict, measured = (json.loads(found[f"interp_{name}"]) for name in ("verdict", "result"))
        assert verdict["status"] == "passed"
        assert verdict["margin"] > 0
        assert measured["summary"]
        assert len(found["interp_fingerprint"]) > 8
        assert found["interp_model"] == "planted-gpt2"
        assert found["interp_backend"] in ("transformer_lens", "nnsight")
