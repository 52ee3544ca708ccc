"""The report in a real browser: filters, links, claims that open, maps, figures, readers."""

import base64
import re

import browsers
import made_reports
import made_results
import pytest

from pytest_interp.figures import exported, figure_of
from pytest_interp.report.html import render
from pytest_interp.report.run import FigureFile

FACT = "specs-test-capitals-test-the-fact-sits-on-the-subject-smollm2-135m"
PARIS = "specs-test-capitals-test-paris-comes-last-france-smollm2-135m"


@pytest.fixture(scope="module")
def report():
    return render(made_reports.run())


def shown(page):
    return page.locator("details.case:visible").count()


def open_case(page, anchor=FACT):
    page.locator(f"#{anchor} > summary").click()
    page.locator(f"#{anchor} .made").wait_for()
    return page.locator(f"#{anchor} .body")


def test_filters_choose_and_stand_in_the_address(report, open_page):
    with open_page(report) as page:
        everything = shown(page)
        page.locator(".chip.inconclusive").click()
        assert shown(page) == 2
        assert page.locator("#shown").inner_text() == f"2 of {everything} shown"
        page.locator("[name=q]").fill("half OF")
        assert shown(page) == 1
        address = page.url
        assert "verdict=inconclusive" in address

        page.goto("about:blank")
        page.goto(address)  # a link shows the same
        assert shown(page) == 1
        assert page.locator("[name=q]").input_value() == "half OF"

        page.locator("#clear").click()
        page.locator("#clear").wait_for(state="hidden")  # a form is reset after the click
        assert shown(page) == everything
        assert "#" not in page.url


@pytest.mark.parametrize(
    ("name", "value", "titles"),
    [
        ("backend", "nnsight", ["fact sits", "Paris", "One backend"]),
        ("baseline", "within", ["One backend"]),
        ("model", made_reports.HOSTILE, ["Hostile"]),
    ],
)
def test_each_filter_shows_what_it_names(report, open_page, name, value, titles):
    with open_page(report) as page:
        options = page.locator(f"[name={name}] option")
        values = [option.get_attribute("value") for option in options.all()]
        wanted = next(v for v in values if v == value or (name == "model" and "alert" in v))
        page.locator(f"[name={name}]").select_option(wanted)
        names = page.locator("details.case:visible .name").all_inner_texts()
        assert len(names) == len(titles)
        assert all(any(title in name for name in names) for title in titles)


def test_a_filter_that_nothing_passes_says_so(report, open_page):
    with open_page(report, "#q=zzz") as page:
        assert shown(page) == 0
        assert page.locator("#nothing").is_visible()


def test_a_link_to_a_claim_opens_it_whatever_the_filters_say(report, open_page):
    with open_page(report, f"#verdict=skipped&claim={FACT}") as page:
        assert page.locator(f"#{FACT}").evaluate("node => node.open")
        assert page.locator(f"#{FACT} .sentence").is_visible()
    with open_page(report, f"#{PARIS}") as page:
        assert page.locator(f"#{PARIS} h4").first.is_visible()
        page.evaluate(f"location.hash = '{FACT}'")
        page.locator(f"#{FACT} .sentence").wait_for()


def test_an_opened_claim_says_what_was_claimed_and_measured(report, open_page):
    with open_page(report) as page:
        body = open_case(page)
        said = body.inner_text()
        assert page.url.endswith(f"#{FACT}")
        assert body.locator(".axis svg").get_attribute("aria-label").endswith("threshold 0.8")
        for text in (
            "False in 6 of 56 cells.",
            "at least 0.80",
            "5 logits: prefers ' Paris' to ' Tokyo'",
            "0.330 to 0.490",
            "identity patch: 0.200, at most 0.050",
            "2.4 % of its pixels changed",
            "recovery at layer 7, token ' France' (3)",
            "versions.torch: 2.12.0 -> 2.13.0",
            "nnsight agree in every cell",
            "test_the_fact_sits_on_the_subject[smollm2-135m-nnsight]'",
        ):
            assert text in said
        body.get_by_text("Provenance").click()
        assert "float32" in body.inner_text()


def test_a_command_is_copied(report, open_page):
    with open_page(report, permissions=["clipboard-read", "clipboard-write"]) as page:
        body = open_case(page)
        button = body.locator("[data-copy]").first
        button.click()
        page.get_by_role("button", name=re.compile("Copied|Selected")).wait_for()


@pytest.mark.guarantee(
    "red",
    "Every cell of a map in the HTML report says its value, under the mouse and by arrow keys.",
    sees="layer, token and number below the map, spoken by a screen reader",
)
def test_cells_of_a_map_are_pointed_at_and_walked(report, open_page):
    with open_page(report) as page:
        body = open_case(page)
        table, readout = body.locator("table.map").first, body.locator(".readout").first
        table.locator("tbody tr").nth(3).locator("td").nth(1).hover()
        assert readout.inner_text() == "layer 1, token “ France”: 1.010"

        first = table.locator("td[tabindex='0']")
        assert first.count() == 1  # one stop for the tab key
        first.focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
            page.keyboard.press(key)
        focused = "document.activeElement.getAttribute('aria-label')"
        assert page.evaluate(focused) == "layer 1, token “ France”: 1.010"
        assert readout.inner_text() == page.evaluate(focused)
        page.keyboard.press("End")
        assert page.evaluate(focused) == "layer 11, token “ France”: 0.000"
        page.keyboard.press("Control+End")
        page.keyboard.press("ArrowRight")  # there is no cell: stay
        assert page.evaluate(focused) == "layer 11, token “ is”: 1.000"


def test_cells_that_moved_say_what_was_saved(report, open_page):
    with open_page(report) as page:
        cell = open_case(page).locator("table.map").first.locator("td.moved")
        assert cell.get_attribute("aria-label") == "layer 7, token “ France”: 0.000, saved 0.970"


def test_undefined_cells_say_so(report, open_page):
    with open_page(report, "#q=undefined") as page:
        page.locator("details.case:visible > summary").first.click()
        cell = page.locator("td.undefined").first
        assert cell.get_attribute("aria-label").endswith(": undefined")


def test_figures_are_compared_by_slider_toggle_and_difference(report, open_page):
    with open_page(report) as page:
        body = open_case(page)
        assert body.locator(".beside img:visible").count() == 3

        body.get_by_role("button", name="Slider").click()
        above = body.locator(".stack .above")
        before = above.evaluate("node => node.style.clipPath")
        slider = body.get_by_role("slider")
        slider.focus()
        page.keyboard.press("Home")
        assert above.evaluate("node => node.style.clipPath") != before
        assert slider.get_attribute("aria-valuetext") == "0 % saved"

        body.get_by_role("button", name="Toggle").click()
        assert "saved" in body.locator(".ends").inner_text()
        body.get_by_role("button", name="Switch").click()
        assert "transformer_lens" in body.locator(".ends").inner_text()

        body.get_by_role("button", name="Difference").click()
        said = body.locator(".stage output")
        page.wait_for_function("node => node.textContent", arg=said.element_handle())
        # a bar of one column of twelve moved by one column
        share = float(re.match(r"[\d.]+", said.inner_text())[0])
        assert share == pytest.approx(2 * 53 / 640 * 281 / 360 * 100, rel=0.05)
        body.get_by_label("Second figure", exact=True).select_option("saved")
        page.get_by_text("No pixel differs.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_read_it(report, open_page, scheme, width):
    with open_page(report, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        assert browsers.accessibility_problems(page) == []
        page.locator(".help > summary").click()
        for anchor in (FACT, PARIS):
            open_case(page, anchor)
        page.evaluate("document.querySelectorAll('.case[open] .fold').forEach(f => f.open = true)")
        page.locator(f"#{FACT}").get_by_role("button", name="Slider").click()
        assert browsers.accessibility_problems(page) == []
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(too_wide) <= 0


def test_colours_can_be_chosen(report, open_page):
    with open_page(report, color_scheme="light") as page:
        background = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(background)
        page.locator("#theme").click()
        assert page.evaluate(background) == light
        page.locator("#theme").click()
        assert page.evaluate(background) != light
        assert page.locator("#theme").inner_text() == "Colours: dark"


def test_paper_shows_what_the_filters_show_and_all_that_is_in_it(report, open_page):
    with open_page(report, "#verdict=inconclusive") as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        visible = page.locator("details.case:visible")
        assert visible.count() == 2
        assert page.locator("details.case[open] .sentence").count() == 2
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details.case[open]").count() == 0
        assert page.pdf().startswith(b"%PDF")


def test_a_figure_as_pdf_is_a_link_to_the_whole_file(open_page):
    content = exported(figure_of(made_results.lens()), "pdf")
    figure = FigureFile(media="application/pdf", data=base64.b64encode(content).decode())
    made = made_reports.one_test(results=(made_reports.result(figure=figure),))
    with open_page(render(made_reports.run(made))) as page:
        page.locator("details.case > summary").click()
        link = page.get_by_role("link", name=f"Figure as PDF: {made_reports.TL}")
        assert (
            link.get_attribute("href").removeprefix("data:application/pdf;base64,") == figure.data
        )
        with page.expect_download() as saved:
            link.click()
        assert saved.value.path().read_bytes() == content


def test_hostile_text_does_nothing(report, open_page):
    with open_page(report) as page:
        page.on("dialog", lambda dialog: pytest.fail("a script of a prompt ran"))
        case = page.locator("details.case", has_text="Hostile")
        case.locator("> summary").click()
        assert "<script>alert('x')</script>" in case.locator("pre").first.inner_text()
        assert case.locator("table.map tbody th").first.inner_text().startswith("<script>")
        assert case.locator("script").count() == 0


def test_the_policy_refuses_a_script_that_is_not_the_pages_own(report, open_page):
    altered = report.replace("<main", "<script>document.title = 'ran'</script><main")
    with (
        pytest.raises(AssertionError, match="Content Security Policy"),  # the browser logs it
        open_page(altered) as page,
    ):
        assert page.title() != "ran"


def busy(session):
    """Seconds of work of the page: other processes share the cores, and do not count."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "ProcessTime")


@pytest.mark.guarantee(
    "kept",
    "An HTML report of 500 claims opens in under two seconds.",
    sees="the list at once; what is inside a claim is made when it is opened",
)
def test_five_hundred_claims_open_in_two_seconds(open_page, tmp_path):
    with open_page("") as page:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        file = tmp_path / "many.html"
        file.write_text(render(made_reports.many(500)), "utf-8")
        before = busy(session)
        page.goto(file.as_uri())
        assert shown(page) == 500
        assert 0 < busy(session) - before < 2
