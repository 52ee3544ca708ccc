"""A hub on this machine that gives one repository, and notes what it was asked for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.hub.repositories import COMMIT


@contextmanager
def serving(repo: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve the files of a folder as a repository: the address, and the names of files given."""
    given: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            files = {str(f.relative_to(folder)): f for f in folder.rglob("*") if f.is_file()}
            name = path.removeprefix(f"/{repo}/resolve/{COMMIT}/")
            if path.startswith(f"/api/models/{repo}/tree/"):
                self.give(json.dumps([_entry(name, file) for name, file in files.items()]).encode())
            elif path.startswith(f"/api/models/{repo}"):
                named = [{"rfilename": name} for name in files]
                self.give(json.dumps({"id": repo, "sha": COMMIT, "siblings": named}).encode())
            elif name in files:
                if self.command == "GET":
                    given.append(name)
                self.give(files[name].read_bytes())
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - http.server looks for this name

        def give(self, content: bytes):
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", given
    finally:
        server.shutdown()
        server.server_close()


def _entry(name: str, file: Path) -> dict[str, object]:
    blob = hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
    return {"type": "file", "path": name, "size": file.stat().st_size, "oid": blob}
