"""A real browser for tests: Debian's chromium, driven by playwright."""

import os
import shutil
from contextlib import contextmanager
from importlib import resources

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@contextmanager
def chromium():
    """A browser. Without one the tests are skipped, and in CI they fail."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        _missing("no chromium: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing('no playwright: pip install -e ".[dev]"')
    with sync_playwright() as playwright:
        args = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root there is no sandbox
        browser = playwright.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


def _missing(why):
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@contextmanager
def watched_page(browser, allowed=("file:", "data:", "blob:"), **context):
    """A page of its own; in the end it has to have logged no error and asked for nothing else."""
    options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **context}
    opened = browser.new_context(**options)
    opened.set_default_timeout(10_000)
    wrong = []
    page = opened.new_page()
    page.on("console", lambda said: said.type in ("error", "warning") and wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(allowed) or wrong.append(asked.url))
    try:
        yield page
        assert not wrong, wrong
    finally:
        opened.close()


def accessibility_problems(page):
    """What axe-core finds on the page as it stands: the rule, and the elements that break it."""
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.evaluate(axe)  # the policy of the page lets no script element in
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        (rule["id"], node["html"][:200], node["failureSummary"])
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
