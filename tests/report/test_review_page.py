"""A review in a real browser: what it shows, accepting and refusing."""

import http.client
import threading
from contextlib import contextmanager

import browsers
import pytest
from baseline_project import Project

from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.pending import PendingFolder
from pytest_interp.baselines.review import Review
from pytest_interp.errors import BaselineError
from pytest_interp.report.review.page import ReviewPage

EVIL = "</pre><script>document.title = 'owned'</script><img src=x onerror=alert(1)>\x1b[2J\u202e"
SPEC = f"""
    import json
    from dataclasses import replace
    from made_results import N_LAYERS, lens
    from pathlib import Path

    now = json.loads((Path(__file__).parent.parent / "now.json").read_text())

    def test_evil(baseline):
        text = {EVIL!r} if now else " Paris"
        baseline.check(replace(lens(**now), top_token=(text,) * N_LAYERS))

    def test_plain(baseline):
        baseline.check(lens(**now))
"""


@pytest.fixture
def project(pytester):
    made = Project(pytester)
    made.spec("test_a", SPEC)
    made.run("--interp-update=missing").assert_outcomes(passed=2)
    made.now(crossover=6)
    made.run().assert_outcomes(failed=2)
    return made


@contextmanager
def serving(project):
    """A review of the project, served until the block ends or its reader ends it."""
    folder = PendingFolder(project.path / ".pytest_interp/pending", project.path / "baselines")
    made = ReviewPage(Review(folder, project.path))
    thread = threading.Thread(target=made.serve)
    thread.start()
    try:
        yield made, thread
    finally:
        made.done.set()
        thread.join(timeout=30)


def numbers(project, name):
    file = project.path / f"baselines/specs/test_a/{name}--made.json"
    return Entry.loads(file.read_bytes(), name)


@contextmanager
def opened(browser, made, **context):
    allowed = ("data:", "blob:", made.server.address)
    with browsers.watched_page(browser, allowed, **context) as page:
        page.goto(made.server.address)
        yield page


@pytest.mark.guarantee(
    "files",
    "Text of prompts, claims and notes in a review is shown as text.",
    sees="Escapes of the terminal are written out, and markup is no markup.",
)
def test_accepting_and_refusing_in_a_browser(project, browser):
    with serving(project) as (made, thread), opened(browser, made) as page:
        assert page.locator("h1").inner_text() == "2 to review"
        evil, plain = page.locator("article.change").all()
        shown = evil.inner_text()
        assert "<script>document.title = 'owned'</script><img src=x" in shown
        assert not set(shown) & {"\x1b", "\u202e"}
        assert page.title() == f"2 to review · {project.path.name}"

        images = plain.locator("figure img")
        assert images.count() == 2
        assert all(image.evaluate("it => it.decode().then(() => it.naturalWidth > 100)")
                   for image in images.all())  # fmt: skip
        plain.get_by_role("button", name="Slider").click()
        slider = plain.get_by_role("slider")
        slider.fill("20")
        assert "80%" in plain.locator(".above").evaluate("it => it.style.clipPath")
        plain.get_by_role("button", name="Difference").click()
        plain.get_by_text("of the pixels differ").wait_for()

        plain.locator("[name=note]").fill("a new <b>tokenizer</b>")
        plain.get_by_role("button", name="Accept").click()
        page.get_by_text("updated ").wait_for()
        assert page.locator("h1").inner_text() == "1 to review"
        accepted = numbers(project, "test_plain")
        assert accepted.result["crossover_layer"] == 6
        assert [note.note for note in accepted.history] == ["a new <b>tokenizer</b>"]

        page.get_by_role("button", name="Refuse").click()
        page.get_by_text("stays as it is").first.wait_for()
        assert page.locator("h1").inner_text() == "Nothing is left to review"
        assert numbers(project, "test_evil").result["crossover_layer"] == 8

        page.get_by_role("button", name="End the review").click()
        page.get_by_role("heading", name="The review has ended").wait_for()
        thread.join(timeout=30)
        assert not thread.is_alive()
        with pytest.raises(ConnectionError):
            http.client.HTTPConnection("127.0.0.1", made.server.server_port).request("GET", "/")
    project.run("specs/test_a.py::test_plain").assert_outcomes(passed=1)


def test_what_changed_under_the_open_page_is_not_written(project, browser):
    before = project.saved()
    with serving(project) as (made, _), opened(browser, made) as page:
        project.now(crossover=4)
        project.run().assert_outcomes(failed=2)
        page.get_by_role("button", name="Accept").first.click()
        page.get_by_text("is not what was shown").wait_for()
        assert page.locator(".said.failed").count() == 1
        assert project.saved() == before
        # the page shows by now what waits by now
        page.get_by_role("button", name="Accept").first.click()
        page.get_by_text("updated ").wait_for()
    assert numbers(project, "test_evil").result["crossover_layer"] == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_can_be_read_by_everybody(project, browser, scheme, width):
    (project.path / "specs/test_a.py").write_text("# another")  # then one cannot be accepted
    size = {"width": width, "height": 800}
    with (
        serving(project) as (made, _),
        opened(browser, made, color_scheme=scheme, viewport=size) as page,
    ):
        page.locator("article.change").first.wait_for()
        assert page.get_by_role("button", name="Accept").count() == 0
        assert browsers.accessibility_problems(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


def test_what_cannot_be_read_is_said_on_the_page(project, monkeypatch):
    def changes(self):
        raise BaselineError("another run is writing <b>here</b>")

    monkeypatch.setattr(Review, "changes", changes)
    with serving(project) as (made, _):
        connection = http.client.HTTPConnection("127.0.0.1", made.server.server_port, timeout=30)
        connection.request("GET", f"/{made.server.token}/")
        answer = connection.getresponse()
        assert answer.status == 200
        assert "another run is writing &lt;b&gt;here&lt;/b&gt;" in answer.read().decode()
        connection.close()


def test_a_page_of_another_site_can_change_nothing(project, browser):
    """As a browser sends it: the token is known, and the origin is another."""
    before = project.saved()
    with serving(project) as (made, _):
        with opened(browser, made) as own:
            key = own.locator("[name=key]").first.get_attribute("value")
        context = browser.new_context()
        page = context.new_page()
        page.route("http://other.test/", lambda route: route.fulfill(
            content_type="text/html",
            body=f"<form method=post action='{made.server.address}accept'>"
            f"<input name=key value='{key}'><button>go</button></form>",
        ))  # fmt: skip
        page.goto("http://other.test/")
        page.get_by_role("button").click()
        page.get_by_text("the request comes from another site").wait_for()
        context.close()
    assert project.saved() == before
