"""Make the pictures of the HTML pages that the documentation shows.

    pytest specs --interp-report-json run.json
    pytest specs --interp-model smollm2-135m=./damaged --interp-report-json damaged.json
    pytest-interp compare smollm2-135m ./damaged specs --html compare.html
    pytest-interp review --web
    python docs/make_report_pictures.py run.json damaged.json compare.html ADDRESS

The first is a run of the shipped specs, the second a run of them on a damaged copy of the model.
The address is what the review prints; without it, that page keeps its pictures. Writes PNG files to
`docs/assets/report/`. Needs chromium and playwright.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from pytest_interp.report.html import render
from pytest_interp.report.reading import read_run

OUT = Path(__file__).parent / "assets" / "report"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def main(run: Path, damaged: Path, compared: Path, review: str = "") -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        pages = {}
        for name, path in (("run", run), ("damaged", damaged)):
            page = Path(folder) / f"{name}.html"
            page.write_text(render(read_run(path)), "utf-8")
            pages[name] = page.as_uri()
        pages["compare"], pages["review"] = compared.resolve().as_uri(), review
        for scheme in ("light", "dark"):
            for size, viewport in (("wide", WIDE), ("phone", PHONE)):
                look = {"color_scheme": scheme, "viewport": viewport}
                picture(browser, pages["run"], f"run-{size}-{scheme}", None, look)
                picture(browser, pages["damaged"], f"claim-{size}-{scheme}", "failed", look)
                picture(browser, pages["compare"], f"compare-{size}-{scheme}", None, look)
                if review:
                    picture(browser, pages["review"], f"review-{size}-{scheme}", None, look)
        browser.close()


def picture(browser: Browser, address: str, name: str, opened: str | None, look: dict) -> None:
    """What a reader sees first, or the first claim of a verdict once it was opened."""
    tab = browser.new_page(**look, device_scale_factor=1.5)
    tab.goto(address)
    shown = tab
    if opened is not None:
        case = tab.locator(f"details.case[data-verdict={opened}]").first
        case.locator("> summary").click()
        case.locator(".made").wait_for()
        tab.evaluate("document.querySelector('.filters').style.position = 'static'")
        tab.evaluate("document.querySelector('details.case[open]').scrollIntoView()")
        shown = tab if look["viewport"] == PHONE else case
    tab.wait_for_timeout(300)  # figures are decoded
    image = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    image = image.quantize(256, dither=Image.Dither.NONE)
    image.save(OUT / f"{name}.png", optimize=True)
    tab.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), *sys.argv[4:5])
