"""The review as a page of this machine alone, which its random address protects.

A page of another site can send requests here, too. So each request has to name the token in its
path and this server as its host, and one that changes something has to come from the page itself.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

_LOOPBACK: Final = "127.0.0.1"
_MAX_BODY: Final = 64 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with none at all, a form would not say its origin
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Form = Mapping[str, str]


class ReviewServer(ThreadingHTTPServer):
    """Serves one page, and does what its forms ask for. Requests are answered one at a time.

    Args:
        page: makes the page.
        actions: what a form does, by the last part of its address.
        port: where it listens; 0 takes one that is free.
    """

    daemon_threads = True
    allow_reuse_address = False

    def __init__(
        self,
        page: Callable[[], str],
        actions: Mapping[str, Callable[[Form], None]],
        port: int = 0,
    ) -> None:
        super().__init__((_LOOPBACK, port), _Handler)
        self.page = page
        self.actions = actions
        self.one_at_a_time = threading.Lock()
        self.token = secrets.token_urlsafe(32)
        host = f"{_LOOPBACK}:{self.server_port}"
        self.hosts = {host, f"localhost:{self.server_port}"}
        self.address = f"http://{host}/{self.token}/"
        """Where the page is. Whoever knows it may accept and refuse."""

    def server_bind(self) -> None:
        """Without the look-up of this machine's name, which may ask the network."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = _LOOPBACK, int(self.server_address[1])


class _Refused(Exception):  # noqa: N818 - no error of the program
    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    server_version = "pytest-interp"
    sys_version = ""
    timeout = 30  # of a connection that says nothing

    def parse_request(self) -> bool:
        """Read the first line and the headers, and answer every method in the same way."""
        if super().parse_request():
            self._answer()
        return False  # the base class would look for a method of its own for each verb

    def _answer(self) -> None:
        try:
            body = self._body()  # also of what is refused: the answer would be lost before it
            action = self._asked()
            with self.server.one_at_a_time:
                if action is None:
                    self._send(HTTPStatus.OK, self.server.page(), "text/html; charset=utf-8")
                    return
                self.server.actions[action](self._form(body))
            place = f"http://{self.headers['Host']}/{self.server.token}/"
            self._send(HTTPStatus.SEE_OTHER, "", "text/plain", Location=place)
        except _Refused as refused:
            self._send(refused.status, f"{refused}\n", "text/plain; charset=utf-8")

    def _asked(self) -> str | None:
        """The action that a request asks for; None for the page.

        Raises:
            _Refused: it is not a request of the page, nor one for it.
        """
        host, origin = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        if len(host) != 1 or host[0] not in self.server.hosts:
            raise _Refused(HTTPStatus.FORBIDDEN, "another host was asked")
        own = [f"http://{host[0]}"]
        if origin and origin != own:
            raise _Refused(HTTPStatus.FORBIDDEN, "the request comes from another site")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise _Refused(HTTPStatus.FORBIDDEN, "the request comes from another site")
        empty, _, rest = urlsplit(self.path).path.partition("/")
        token, slash, action = rest.partition("/")
        is_ours = secrets.compare_digest(token.encode(), self.server.token.encode())
        if empty or not is_ours or not slash:
            raise _Refused(HTTPStatus.FORBIDDEN, "the address lacks the token")
        if action and action not in self.server.actions:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such page")
        if self.command != ("POST" if action else "GET"):
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "this address takes another method")
        if action and origin != own:
            raise _Refused(HTTPStatus.FORBIDDEN, "the request does not say where it comes from")
        return action or None

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > _MAX_BODY:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is too long")
        return self.rfile.read(int(length))

    def _form(self, body: bytes) -> Form:
        if self.headers.get_content_type() != _FORM:
            raise _Refused(HTTPStatus.BAD_REQUEST, "this is no form")
        try:
            text = body.decode("ascii")
            fields = parse_qs(text, keep_blank_values=True, max_num_fields=20, errors="strict")
        except ValueError as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, "this is no form") from error
        return {name: values[0] for name, values in fields.items()}

    def _send(self, status: HTTPStatus, text: str, media: str, **more: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": media, **more}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the address is a secret, and the page says what happened."""
