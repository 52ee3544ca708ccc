"""The page of a comparison of checkpoints in a real browser."""

import browsers
import pytest
from made_runs import a_claim, a_result, a_run, a_test

from pytest_interp.models.changes import TensorChange, TensorChanges
from pytest_interp.report.comparison import outputs
from pytest_interp.report.comparison.pairs import compare_runs

HOSTILE = "</script><script>document.title = 'ran'</script><img src=x onerror=alert(1)> \x1b[31m"
NAMES = ("smollm2", "step-1000", HOSTILE)
DAMAGED = TensorChanges(272, (TensorChange("layers.5.mlp.down_proj", "all zero", 1.0),))
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def run(status="passed", margin=0.2, shift=0.0):
    """Claims of each fate against the run without arguments, and a result over facts."""
    facts = {"ids": ["a", "b", HOSTILE], "lead": [1.0 + shift, 2.0 + shift, 3.0 + 2 * shift]}
    reading = {"name": "preference", "value": 7.7 - margin, "unit": "logits", "says": HOSTILE}
    measured = a_result("not judged", (), [reading], facts, {"lead": (("fact", "ids"),)})
    outcome = "failed" if status == "failed" else "passed"
    return a_run(
        a_test("test_breaks", outcome, [a_claim(status, margin=margin)], [measured]),
        a_test("test_drifts", claims=[a_claim(claim="it drifts", margin=0.4 + margin)]),
        a_test("test_holds", claims=[a_claim(claim=HOSTILE)]),
        a_test(f"test[{HOSTILE}]", about=HOSTILE, message=HOSTILE),
    )


@pytest.fixture(scope="module")
def page_text():
    runs = [run(), run("failed", -0.5, -0.8), run("failed", -0.4, -0.9)]
    found = [
        compare_runs(runs[0], other, (NAMES[0], name), DAMAGED)
        for other, name in zip(runs[1:], NAMES[1:], strict=True)
    ]
    return outputs.as_html(NAMES, runs, found, ".html").decode()


@pytest.mark.guarantee(
    "messages",
    "The page of a comparison of checkpoints names the damaged layer and what it breaks, for every "
    "reader: in light and dark, on a phone, by keyboard and by screen reader.",
    sees="the tensors that changed, the claims that break before and after, all text as text",
)
def test_everybody_can_read_which_layer_was_damaged(page_text, open_page):
    with open_page(page_text) as page:
        page.on("dialog", lambda dialog: pytest.fail("a script of a prompt ran"))
        assert page.title() != "ran"
        first = page.locator("main > section").nth(1)
        weights = first.locator(".weights")
        assert weights.inner_text().endswith("differs: layers.5.mlp.down_proj, all zero")
        # what breaks stands open, with both sides; what survives is folded
        broken = first.locator("details.fate").first
        assert broken.locator("summary").inner_text().split() == ["breaks", "1"]
        assert "margin +0.2" in broken.inner_text()
        assert "margin -0.5" in broken.inner_text()
        survives = first.locator("details.fate").last
        assert not survives.locator("article").first.is_visible()
        survives.locator("summary").click()
        assert "<script>document.title = 'ran'</script>" in survives.inner_text()
        # a row for each claim, a column for each checkpoint, and the same as a picture
        table = page.locator("section[aria-label='Claims over the checkpoints']")
        assert table.locator("thead th").count() == 1 + len(NAMES)
        assert table.locator("img").evaluate("it => it.decode().then(() => it.naturalWidth > 100)")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert "\x1b" not in page.locator("body").inner_text()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                assert browsers.accessibility_problems(page) == [], (scheme, width)
                assert page.evaluate(TOO_WIDE) <= 0, width
