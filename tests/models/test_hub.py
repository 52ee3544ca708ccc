"""What a run makes of the hub's answers: a hub of our own, on this machine."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_interp.errors import UnknownNameError

ANSWERS = {
    "org/tpyo": (404, {"X-Error-Code": "RepoNotFound"}),
    "org/private": (401, {"X-Error-Code": "RepoNotFound"}),
    "org/gated": (403, {"X-Error-Code": "GatedRepo"}),
    "org/revised": (404, {"X-Error-Code": "RevisionNotFound"}),
    "org/busy": (503, {}),
    "org/unheard": (503, {}),
}
REGISTERED = ("org/tpyo", "org/gated", "org/busy", "org/revised")
KEPT = pytest.mark.guarantee(
    "green",
    "A mistyped hub id is an error: only weights that are known and out of reach skip.",
    sees="The name, and how to download or register it where it is right.",
)


class Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        repo = "/".join(self.path.partition("?")[0].split("/")[3:5])
        status, headers = ANSWERS.get(repo, (404, {"X-Error-Code": "RepoNotFound"}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The address of a hub for the runs of this test."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def outcomes(pytester):
    """Run one test for each of some hub ids: what became of it, and why."""

    def run(*names):
        pytester.makeconftest(
            # a hub that is out of reach is asked again after ever longer waits
            "import time\nsleep = time.sleep\n"
            "time.sleep = lambda seconds: sleep(min(seconds, 0.01))\n"
            "from pytest_interp.models import HubSource, register_model\n"
            f"for name in {REGISTERED}:\n"
            "    register_model(name, HubSource(name, 'v1' if 'revised' in name else None))\n"
        )
        pytester.makepyfile(
            f"import pytest\n@pytest.mark.interp(model={[*names]})\ndef test_x(model): ..."
        )
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rsE")
        lines = result.outlines
        skipped = [line for line in lines if line.startswith("SKIPPED")]
        return {
            name: "skipped" if any(f"of {name} are" in line for line in skipped) else "error"
            for name in names
        }, "\n".join(lines)

    return run


@KEPT
def test_what_the_hub_does_not_know_is_an_error_and_what_it_cannot_give_now_is_not(hub, outcomes):
    found, text = outcomes(*ANSWERS)
    assert found == {
        "org/tpyo": "error",
        "org/private": "error",
        "org/gated": "skipped",
        "org/revised": "error",
        "org/busy": "skipped",
        "org/unheard": "error",
    }
    assert "the hub has no repository 'org/tpyo' that you may read" in text
    assert "hub org/revised@v1 is not on the hub: " in text
    assert "nothing here says that the hub has a repository 'org/unheard'" in text
    assert "register_model('org/unheard', 'org/unheard')" in text


@KEPT
def test_without_a_network_a_registered_name_skips_and_another_fails(hub, outcomes, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    found, text = outcomes("org/busy", "org/unheard")
    assert found == {"org/busy": "skipped", "org/unheard": "error"}
    assert "the hub is out of reach" in text


def test_a_part_in_the_cache_vouches_for_a_name(monkeypatch, tmp_path):
    import torch

    from pytest_interp.errors import WeightsUnavailableError
    from pytest_interp.models.registry import find_model

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = find_model("org/unheard").source
    with pytest.raises(UnknownNameError, match="mistyped"):
        source.load(torch.float32)
    (tmp_path / "models--org--unheard").mkdir()
    with pytest.raises(WeightsUnavailableError, match="not in the local cache"):
        source.load(torch.float32)
