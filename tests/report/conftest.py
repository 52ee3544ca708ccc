"""Projects that pytest runs, and one browser for all tests of pages."""

from contextlib import contextmanager

import browsers
import pytest
from reported_run import ReportedRun


@pytest.fixture
def project(pytester):
    return ReportedRun(pytester)


@pytest.fixture(scope="session")
def browser():
    with browsers.chromium() as opened:
        yield opened


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens the text of a page as a file, at an address that ends in ``address``."""

    @contextmanager
    def opened(text, address="", **context):
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8")
        with browsers.watched_page(browser, **context) as page:
            page.goto(f"{file.as_uri()}{address}")
            yield page

    return opened
