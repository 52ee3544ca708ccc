"""The claims of a run at its end, a line each."""

import dataclasses

import pytest

from pytest_interp.report.lines import lines_of
from pytest_interp.report.run import ClaimRecord, Interval, RunRecord, TestRecord
from pytest_interp.report.terminal import render_terminal, title

LINE = pytest.mark.guarantee(
    "messages",
    "The end of a run shows each claim in one line, failures first, at 80 columns too.",
    sees="Verdict, value and threshold, margin, n, model, each backend, baseline, seconds.",
)


def claim(value=0.9, status="passed", **more):
    return ClaimRecord(
        claim="the fact sits there",
        status=status,
        headline=f"{status}: {value} at layer 7, claimed at least 0.80",
        sentence="It does.",
        scope="n = 37",
        n=37,
        effect=Interval(value=value, low=0.1, high=1.0),
        claimed="at least 0.80",
        threshold=0.8,
        margin=None if value is None else value - 0.8,
        **more,
    )


def case(*claims, name="test_it", backend="nnsight", outcome="passed", message="", **more):
    given = {
        "id": f"specs/test_a.py::{name}[{backend}]",
        "spec": "specs/test_a.py",
        "line": 1,
        "about": "",
        "model": "smollm2-135m",
        "checkpoint": None,
        "seconds": 1.25,
        "command": "pytest",
    }
    said = {"name": name, "backend": backend, "outcome": outcome, "message": message}
    return TestRecord(**{**given, **said, **more}, claims=claims)


def run(*tests):
    return RunRecord(
        time="",
        seconds=1.0,
        command="pytest",
        exit_status=0,
        rootdir="here",
        versions={},
        git_sha=None,
        git_dirty=None,
        python="",
        platform="",
        tests=tests,
    )


def table(*tests, width=80, colours=False):
    lines = lines_of(run(*tests))
    return title(lines), render_terminal(lines, width, colours=colours)


def row(shown, word):
    (found,) = [line for line in shown if line.startswith(f"{word} ")]
    return found.split()


@LINE
def test_failures_come_first_and_each_claim_is_a_line():
    head, shown = table(
        case(claim(0.9), name="test_holds"),
        case(claim(0.9, "inconclusive"), name="test_few", outcome="inconclusive"),
        case(claim(0.25, "failed"), name="test_false", outcome="failed", message="failed: 0.25"),
        case(name="test_gone", outcome="skipped", message="no weights"),
    )
    assert head == "1 failed, 1 inconclusive, 1 passed, 1 skipped"
    words = [line.split()[0] for line in shown[1:4]]
    assert words == ["failed", "inconclusive", "passed"]
    assert " ".join(row(shown, "failed")) == "failed test_false 0.250 >= 0.80 -0.550 37 F 1.2"
    assert " ".join(row(shown, "passed")) == "passed test_holds 0.900 >= 0.80 +0.100 37 ok 1.2"
    assert row(shown, "inconclusive")[-2] == "?"
    assert "failed: test_false: 0.25 at layer 7, claimed at least 0.80" in shown
    assert not any("test_gone" in line for line in shown)


@LINE
def test_both_backends_are_one_line_that_is_about_the_worse():
    _, shown = table(
        case(claim(0.3, "failed"), backend="transformer_lens", outcome="failed"),
        case(claim(0.2, "failed"), backend="nnsight", outcome="failed"),
    )
    assert " ".join(row(shown, "failed")) == "failed test_it 0.200 >= 0.80 -0.600 37 F F 2.5"
    assert sum("test_it" in line for line in shown) == 2  # the line, and its reason
    _, shown = table(
        case(claim(0.9), backend="transformer_lens"),
        case(claim(0.2, "failed"), backend="nnsight", outcome="failed"),
    )
    assert row(shown, "failed")[-3:] == ["F", "ok", "2.5"]
    _, shown = table(
        case(claim(0.9), backend="transformer_lens"),
        case(outcome="skipped", backend="nnsight"),
    )
    assert row(shown, "passed")[-2:] == ["ok", "1.2"]


@LINE
def test_what_fails_outside_of_a_claim_has_a_line_of_its_own():
    head, shown = table(case(claim(0.9), outcome="failed", message="it moved\nby much"))
    assert head == "1 failed, 1 passed"
    assert "failed: test_it: it moved" in shown


def test_a_false_claim_that_the_test_asked_for_is_no_failure():
    head, shown = table(
        case(claim(0.1, "failed"), outcome="passed"),
        case(claim(0.1, "failed"), outcome="xfailed", name="test_known"),
        case(claim(0.9, "inconclusive"), outcome="skipped", name="test_mode"),
    )
    assert head == "1 inconclusive, 1 expected, 1 xfailed"
    assert row(shown, "expected")[-2] == "ok"


@LINE
@pytest.mark.parametrize("width", [60, 80, 110, 160])
def test_no_line_is_wider_than_the_terminal(width):
    long = "test_" + "a_very_long_name_" * 6
    _, shown = table(
        case(claim(0.9), claim(0.1, "failed"), name=long, outcome="failed", model="one-model"),
        case(claim(None, "failed"), name=long, model="another-model", outcome="failed"),
        case(name="test_x", outcome="error", message="x" * 300, backend="transformer_lens"),
        width=width,
    )
    assert max(map(len, shown)) <= width
    assert "undefined >= 0.80" in "".join(shown)
    folded = "".join(line[: len(line)] for line in shown).replace(" ", "")
    assert "one-model" in folded.replace("\n", "") or width < 80


def test_text_cannot_command_the_terminal_or_the_table():
    name = "test_it[\x1b[31m[bold red]\u202e:smile:]"
    _, shown = table(case(name=name, outcome="error", message="\x1b]0;title\x07[link=x]y"))
    text = "\n".join(shown)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[link=x]y" in text
    assert "[bold red]" in text


def test_colours_only_where_they_are_asked_for():
    bad = case(claim(0.1, "failed"), outcome="failed")
    assert "\x1b[31m" in "".join(table(bad, colours=True)[1])
    assert "\x1b" not in "".join(table(bad)[1])


def test_the_file_and_the_place_of_a_claim_tell_lines_apart():
    one = case(claim(), claim(), name="test_it")
    _, shown = table(one, width=120)
    assert [line.split()[1:3] for line in shown[1:3]] == [["test_it", "#1"], ["test_it", "#2"]]
    other = dataclasses.replace(case(claim()), spec="specs/b.interp.yaml")
    _, shown = table(case(claim()), other, width=120)
    assert [line.split()[1] for line in shown[1:3]] == ["test_a::test_it", "b::test_it"]


def test_nothing_is_shown_of_nothing():
    assert table() == ("", [])
    assert table(case(outcome="skipped"))[1] == []
