"""Figures as files for a paper, and what a notebook shows."""

import io
import re
from dataclasses import replace
from html import escape
from xml.etree import ElementTree

import pytest
from made_results import lens, trace
from PIL import Image

from pytest_interp.claims import Status, Verdict
from pytest_interp.errors import ReportError
from pytest_interp.figures import exported, figure_of
from pytest_interp.figures.sizes import parse_size

PAPER = pytest.mark.guarantee(
    "messages",
    "Each figure of a run can be had as SVG, PDF or PNG, of a stated size.",
    sees="--interp-figures=svg writes a file for each result; equal runs write equal files.",
)
SHOWN = pytest.mark.guarantee(
    "messages",
    "A notebook shows a result and a verdict as a table, and the figure; all text is escaped.",
    sees="The findings, how they came about, and the figure as SVG.",
)
EVIL = "<script>alert(1)</script> & <b>"


@PAPER
def test_vectors_have_the_stated_size_and_are_the_same_each_time():
    svg = exported(figure_of(trace()), "svg", (3.25, 2.5))
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("234pt", "180pt")  # 72 points an inch
    assert svg == exported(figure_of(trace()), "svg", (3.25, 2.5))
    pdf = exported(figure_of(trace()), "pdf", (3.25, 2.5))
    assert b"/MediaBox [ 0 0 234 180 ]" in pdf
    assert pdf == exported(figure_of(trace()), "pdf", (3.25, 2.5))
    assert b"/Type3" not in pdf.replace(b" ", b"")


@PAPER
def test_pixels_are_fine_enough_for_print_and_a_width_alone_keeps_the_ratio():
    before = figure_of(lens()).get_size_inches()
    image = Image.open(io.BytesIO(exported(figure_of(lens()), "png", (4.0, None))))
    assert image.size == pytest.approx((1200, 1200 * before[1] / before[0]), abs=1)


def test_sizes_are_read_as_people_write_them():
    assert parse_size("6.5") == (6.5, None)
    assert parse_size(" 6.5 x 4 ") == (6.5, 4.0)


@pytest.mark.parametrize("text", ["", "x4", "6.5x", "0x4", "6cm", "101", "1e3", "-3"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ReportError, match=r"write WIDTH or WIDTHxHEIGHT in inches.* as in 6\.5x4"):
        parse_size(text)


@SHOWN
def test_a_result_shows_its_findings_and_its_figure():
    html = lens()._repr_html_()
    assert "LensResult" in html
    assert escape(lens().summary()) in html
    assert "transformer_lens" in html
    assert html.count("<svg") == 1
    assert "<?xml" not in html
    assert "<!DOCTYPE" not in html


@SHOWN
def test_text_of_a_prompt_is_no_markup():
    one = replace(lens(), prompt=EVIL, answer=EVIL, str_tokens=(EVIL,), position=0)
    html = one._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    # the figure is drawn, and each comment of it ends where it should
    ElementTree.fromstring(html[html.index("<svg") :])
    verdict = Verdict(EVIL, Status.FAILED, EVIL, 1, 1, details=EVIL)
    shown = verdict._repr_html_()
    assert "<script" not in shown
    assert "<b>" not in shown


@SHOWN
def test_a_verdict_shows_its_outcome_and_what_it_rests_on():
    colours = set()
    for status in Status:
        made = Verdict("the claim", status, "It is so.", 37, 2, interval="by answers", details="a")
        html = made._repr_html_()
        for text in (
            str(status),
            "the claim",
            "It is so.",
            "n = 37 from 2 templates",
            "by answers",
        ):
            assert text in html
        assert "<pre>a</pre>" in html
        colours |= set(re.findall("color: (#[0-9A-F]{6})", html))
    assert len(colours) == 3
