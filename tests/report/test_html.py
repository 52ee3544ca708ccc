"""The page of a run, read without a browser."""

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import made_reports
import pytest

from pytest_interp.report.html import render


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text outside of style and script."""

    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.found and self.found[-1][0] not in ("style", "script"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.mark.guarantee(
    "files",
    "Text of prompts, tokens and messages is text in the HTML report: no markup, no script, no "
    "terminal escape.",
    sees="the characters themselves, those that cannot be seen as their escapes",
)
def test_hostile_text_is_text():
    text = render(made_reports.run())
    page = Elements(text)
    scripts = page.all("script")
    assert [s for s in scripts if s.get("type") not in ("text/plain", "application/json")] == [{}]
    assert "<script>alert" not in text
    assert {"\x1b", "\x07", "\u202e", "\u2028"}.isdisjoint(text)
    assert "<script>alert('x')</script>" in page.text
    assert r"\x1b[31mred\x07" in page.text


def test_what_waits_for_a_review_names_its_command():
    for compared, count in ((made_reports.MOVED, 1), (made_reports.baseline("within"), 0)):
        made = made_reports.one_test(results=(made_reports.result(baseline=compared),))
        assert render(made_reports.run(made)).count("pytest-interp review 4f2a") == count


def test_what_is_shown_and_not_compared_stands_on_the_page():
    made = made_reports.one_test(results=(made_reports.result(texts="dose 2: '<i> Rome'"),))
    text = render(made_reports.run(made))
    assert "shown, not compared" in text
    assert "dose 2: &#39;&lt;i&gt; Rome&#39;" in text
    plain = made_reports.one_test(results=(made_reports.result(),))
    assert "shown, not compared" not in render(made_reports.run(plain))


def test_half_of_a_surrogate_pair_can_be_written():
    made = made_reports.one_test(message="\ud800", outcome="error")
    render(made_reports.run(made)).encode()


@pytest.mark.guarantee(
    "files",
    "The HTML report is one file that fetches nothing, and runs no other script than its own.",
    sees="a policy in the page that the browser enforces",
)
def test_a_page_has_everything_inside():
    page = Elements(render(made_reports.run()))
    addresses = [v for _, a in page.found for k, v in a.items() if k in ("src", "href", "action")]
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_claims_are_grouped_by_model_and_spec():
    text = render(
        made_reports.run(
            made_reports.one_test("test_a", model="gpt2", spec="specs/b.py"),
            made_reports.one_test("test_b", model="gpt2", spec="specs/a.py"),
            made_reports.one_test("test_c", model=None, backend=None),
        )
    )
    sections = [a["aria-label"] for a in Elements(text).all("section")]
    assert sections == [
        "Model gpt2",
        "specs/a.py",
        "specs/b.py",
        "Model no model",
        made_reports.SPEC,
    ]


@pytest.mark.parametrize(
    ("outcomes", "headline"),
    [
        (["passed", "failed", "inconclusive", "skipped"], "2 of 3 claims do not hold"),
        (["passed", "error"], "1 of 2 claims does not hold"),
        (["passed", "xfailed"], "All 2 claims hold"),
        (["passed"], "The claim holds"),
        (["skipped"], "No claim was measured"),
    ],
)
def test_the_headline_counts_what_does_not_hold(outcomes, headline):
    tests = [made_reports.one_test(f"test_{i}", outcome=o) for i, o in enumerate(outcomes)]
    assert f"<h1>{headline}</h1>" in render(made_reports.run(*tests))


def test_a_claim_that_is_false_as_its_test_expects_says_so():
    refused = (made_reports.claim("failed"),)
    expected = render(made_reports.run(made_reports.one_test(claims=refused)))
    assert "failed, as the test expects" in expected
    false = made_reports.one_test(claims=refused, outcome="failed")
    assert "as the test expects" not in render(made_reports.run(false))


@pytest.mark.parametrize(
    ("outcomes", "status", "headline"),
    [
        (["passed", "unfinished"], 2, "1 claim holds; 1 did not finish"),
        (["failed", "passed", "unfinished"], 1, "1 of 2 claims does not hold; 1 did not finish"),
        (["unfinished", "unfinished"], 2, "No claim was measured; 2 did not finish"),
        (["passed", "passed"], 2, "2 claims hold; the run broke off"),
    ],
)
def test_a_run_that_did_not_end_says_so(outcomes, status, headline):
    tests = [made_reports.one_test(f"test_{i}", outcome=o) for i, o in enumerate(outcomes)]
    text = render(made_reports.run(*tests, exit_status=status))
    assert f"<h1>{headline}</h1>" in text
    assert ("claims may be missing" in text) == (status == 2)


def test_numbers_of_a_checkpoint_that_is_not_judged_are_folded():
    compared = replace(made_reports.MOVED, state="not judged")
    moved = made_reports.result(figure=made_reports.picture(6), baseline=compared)
    text = render(made_reports.run(made_reports.one_test(results=(moved,), checkpoint="step-8")))
    assert 'data-baseline="not judged"' in text
    assert '<option value="not judged">of a checkpoint, not judged</option>' in text
    assert "3 numbers are not those of the model" in text
    assert ">changed<" not in text


def test_a_figure_that_several_results_show_is_kept_once():
    figure = made_reports.picture(2)
    results = (made_reports.result(figure=figure), made_reports.result(figure=figure))
    tests = [made_reports.one_test(backend=b, results=results) for b in ("a", "b")]
    assert render(made_reports.run(*tests)).count(figure.data) == 1


def test_numbers_that_json_lacks_are_undefined():
    endless = made_reports.result()
    endless.result["recovery"][0][0] = float("inf")
    text = render(made_reports.run(made_reports.one_test(results=(endless,))))
    assert '"values":[[null,' in text


def test_templates_are_read_only_when_a_page_is_made():
    code = "import sys, pytest_interp.report.html; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_run_writes_its_page(project):
    project.claims(
        """
def test_holds(interp_target): claim(interp_target, 0.95)
def test_fails(interp_target): claim(interp_target, 0.41)
"""
    )
    project.comparing()
    project.now(shift=0.1)
    run = project.report("--interp-report=run.html", "--interp-backend=nnsight")
    page = Elements((project.path / "run.html").read_text("utf-8"))
    assert "test-fails" in " ".join(a["id"] for a in page.all("details") if "id" in a)
    assert render(run) == (project.path / "run.html").read_text("utf-8")
