"""A server that answers as NDIF does, on this machine: HTTP for runs, a websocket for what comes.

It runs what is sent on a model of its own, or fails as it is told.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import queue
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zstandard
from nnsight.schema.response import ResponseModel
from nnsight.tracing.tracer import dec, inc

from pytest_interp.adapters.local_server import LocalServer

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Of RFC 6455: what a websocket's answer to a key is made with."""


class Ndif(ThreadingHTTPServer):
    """The server.

    ``fails`` is None, an HTTP status, ``"job"`` or ``"lost"``; ``left`` runs go well before that.
    """

    daemon_threads = True

    def __init__(self, model=None, key=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model, self.key = model, key
        self.fails, self.left = None, 0
        self.asked, self.updates = [], queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def failing(self):
        """How the next run fails; None where it does not."""
        self.left -= 1
        return self.fails if self.left < 0 else None

    def job(self, blob, compress):
        """What the run gives, as the answer that says so."""
        inc()  # this thread is in no trace
        try:
            sent = LocalServer(self.model).serve(blob, compress)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            return ResponseModel(id="1", status="ERROR", description=said).model_dump_json()
        finally:
            dec()
        data = zstandard.ZstdCompressor().compress(sent) if compress else sent
        return ResponseModel(id="1", status="COMPLETED", data=data).pickle()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """``/subscribe``: what becomes of a run, as it comes."""
        if self.server.key is not None and self.headers["ndif-api-key"] != self.server.key:
            return self.give(401, {"detail": "Invalid API key"})
        accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + MAGIC).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        self.close_connection = True
        self.frame(json.dumps({"session_id": "session"}))
        with contextlib.suppress(OSError):
            for update in iter(self.server.updates.get, None):
                self.frame(update)
        return None

    def do_POST(self):
        """``/request``: a run."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\n\n".encode()
        fields = message_from_bytes(head + body).get_payload()
        data, blob = (field.get_payload(decode=True) for field in fields)
        asked = json.loads(data)
        self.server.asked.append(asked)
        failure = self.server.failing()
        if isinstance(failure, int):
            self.give(failure, {"detail": "no capacity"})
            return self.server.updates.put(None)
        self.give(200, json.loads(ResponseModel(id="1", status="RECEIVED").model_dump_json()))
        updates = self.server.updates
        updates.put(ResponseModel(id="1", status="QUEUED").model_dump_json())
        if failure == "job":
            said = ResponseModel(id="1", status="ERROR", description="CUDA out of memory")
            updates.put(said.model_dump_json())
        elif failure is None:
            updates.put(self.server.job(blob, asked["compress"]))
        return updates.put(None)

    def give(self, status, answer):
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def frame(self, content):
        """One message to the client: a frame is not masked."""
        text = isinstance(content, str)
        sent = content.encode() if text else content
        length = bytes([127]) + len(sent).to_bytes(8, "big")
        self.wfile.write(bytes([0x81 if text else 0x82]) + length + sent)
        self.wfile.flush()

    def log_message(self, *_):
        pass
