"""A run as Markdown, for a pull request."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from made_runs import a_change, a_claim, a_result, a_run, a_test

from pytest_interp.report.escaping import markdown, visible
from pytest_interp.report.markdown import LIMIT, render

HOSTILE = "</details><script>alert(1)</script> `x` **b** [a](https://x.y) @octocat #1 \x1b[31m\n# h"


def test_the_worst_comes_first_and_verdicts_are_counted():
    run = a_run(
        a_test("test_holds", claims=[a_claim()]),
        a_test("test_open", "inconclusive", [a_claim("inconclusive", margin=-0.1)]),
        a_test("test_false", "failed", [a_claim("failed", margin=-0.8, value=0.0)]),
        a_test("test_broke", "error", message="\nZeroDivisionError: division by zero\n"),
        a_test("test_left", "skipped"),
    )
    said = render(run)
    head, _, counts, *_ = said.splitlines()
    assert head == "### ❌ Claims about model insides: 1 error, 1 failed, 1 inconclusive"
    assert counts.startswith("claims: 1 failed, 1 inconclusive, 1 passed · tests: ")
    places = [said.index(markdown(f"test_{name}")) for name in ("broke", "false", "open")]
    assert places == sorted(places)
    assert "ZeroDivisionError: division by zero" in said
    assert "failed: 0.000 at layer 7, claimed at least 0.80, margin -0.8" in html.unescape(said)
    assert "<summary>1 claims that hold</summary>" in said


def test_two_backends_that_came_to_the_same_are_one_entry():
    both = [
        a_test("test_false", "failed", [a_claim("failed", margin=-0.8)], backend=backend)
        for backend in ("transformer_lens", "nnsight")
    ]
    said = html.unescape(render(a_run(*both)))
    assert said.count("**test_false**") == 1
    assert "transformer_lens, nnsight" in said
    parted = [both[0], a_test("test_false", claims=[a_claim()], backend="nnsight")]
    assert html.unescape(render(a_run(*parted))).count("test_false") == 1


def test_what_changed_since_the_baseline_is_said_in_words():
    changes = (*(a_change(f"recovery at layer {i}: 1 -> 0.5") for i in range(5)),)
    noise = (a_change("top token at layer 3: 'a' -> 'b'", within_noise=True),)
    run = a_run(
        a_test("test_within", results=[a_result("within", noise)]),
        a_test("test_new", results=[a_result("written")]),
        a_test("test_changed", "failed", [a_claim()], [a_result("changed", changes)]),
        a_test("test_same", results=[a_result("same")]),
    )
    said = html.unescape(render(run))
    assert "baselines: 1 changed, 1 written, 1 within, 1 same" in said
    assert "baseline out of tolerance, 5 values" in said
    assert said.count("1 -> 0.5") == 3
    assert "test_same" not in said
    assert said.index("test_changed") < said.index("**Baselines**") < said.index("test_within")


def test_numbers_of_a_checkpoint_are_folded_into_a_line():
    changes = tuple(a_change() for _ in range(78))
    test = a_test(
        checkpoint="step-2000", claims=[a_claim()], results=[a_result("not judged", changes)]
    )
    broken = replace(test, outcome="failed", claims=(a_claim("failed", margin=-0.5),))
    assert "by -0.5" not in html.unescape(render(a_run(broken)))
    said = html.unescape(render(a_run(test)))
    assert "step-2000 stands in for planted-gpt2." in said
    assert "78 numbers are not those of planted-gpt2" in said
    assert "by -0.5" not in said


@pytest.mark.guarantee(
    "files",
    "Text of prompts is shown as text in a pull request, whatever markup, mentions or terminal "
    "escapes it holds.",
    sees="The characters themselves; control characters written out.",
)
def test_markup_of_a_prompt_is_text():
    test = a_test(
        HOSTILE,
        "failed",
        [a_claim("failed", claim=HOSTILE, headline=HOSTILE)],
        [a_result("changed", (a_change(HOSTILE),))],
        message=HOSTILE,
    )
    said = render(a_run(test, a_test(claims=[a_claim(claim=HOSTILE, scope=HOSTILE)])))
    tags = set(re.findall(r"</?(\w+)", said))
    assert tags == {"br", "details", "summary", "sub"}
    for raw in ("](", "@octocat", "#1", "://", "\x1b", "`x`", "**b**", "\n# h"):
        assert raw not in said.replace("### ", "")
    assert visible(HOSTILE) in html.unescape(said)


@pytest.mark.parametrize("begin", ["- a", "+ a", "1. a", "12) a", "= a", "# a", "> a", "| a"])
def test_no_text_begins_a_list_or_a_heading(begin):
    shown = markdown(begin)
    assert re.match(r"\d*&#\d+;", shown)
    assert html.unescape(shown) == begin


def test_text_that_looks_escaped_already_stays_as_it_is():
    assert html.unescape(markdown("a &#60; &lt; b")) == "a &#60; &lt; b"
    assert visible("a\u202eb\u200bc\u00a0d") == "a\\u202eb\\u200bc d"


@pytest.mark.guarantee(
    "messages",
    "The Markdown of a run fits into a comment of a pull request, however many claims it has.",
    sees="At most 60,000 characters; what is left out is counted.",
)
@pytest.mark.parametrize("limit", [LIMIT, 5000, 1200])
def test_the_length_is_bounded(limit):
    failed = [
        a_test(f"test_{i}", "failed", [a_claim("failed", claim="<" * 1000)]) for i in range(900)
    ]
    held = [a_test(f"test_held_{i}", claims=[a_claim(claim=f"claim {i}")]) for i in range(900)]
    said = render(a_run(*failed, *held), limit)
    assert len(said) <= limit
    assert "900 failed" in said
    left = re.search(r"\.\.\. and (\d+) more tests that did not pass", said)
    shown = len(re.findall(r"^- ❌", said, re.M))
    assert int(left[1]) + shown == 900


def test_what_was_skipped_is_counted_by_reason():
    tests = [a_test(f"test_{i}", "skipped", message="the weights of gpt2") for i in range(3)]
    assert "- 3: the weights of gpt2" in render(a_run(*tests))


def test_a_run_without_specs_says_so():
    assert render(a_run()).startswith("### ⚪ Claims about model insides: no spec ran")
