"""What becomes of tests of pages where there is no browser."""

import browsers
import pytest


def opened_without_a_browser(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with browsers.chromium():
        raise AssertionError("there is no browser")


def test_without_a_browser_a_developer_is_told(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        opened_without_a_browser(monkeypatch)


def test_without_a_browser_ci_fails(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        opened_without_a_browser(monkeypatch)
