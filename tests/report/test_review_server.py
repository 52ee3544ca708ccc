"""The server of a review: who may ask, and for what."""

import http.client
import threading

import pytest

from pytest_interp.report.review.server import ReviewServer

ALONE = pytest.mark.guarantee(
    "kept",
    "Only the page of a review can accept and refuse: no other site, and no one without its "
    "address.",
    sees="The server listens on this machine alone, and refuses a request without the token, for "
    "another host, from another origin, for another path or by another method.",
)


@pytest.fixture
def server():
    done = []
    made = ReviewServer(lambda: "<p>the page</p>", {"accept": done.append})
    made.done = done
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def ask(server, method="GET", path="", body=None, without=(), **headers):
    """Status and text of an answer; each header may be replaced or left out."""
    origin = f"http://127.0.0.1:{server.server_port}"
    path = path if path.startswith("/") else f"/{server.token}/{path}"
    sent = {"Host": origin.removeprefix("http://")}
    if method == "POST":
        sent |= {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    for name, value in sent.items():
        if name not in without:
            connection.putheader(name, value)
    data = None if body is None else body.encode()
    if data is not None:
        connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def test_the_page_and_a_form(server):
    answer, text = ask(server)
    assert (answer.status, text) == (200, "<p>the page</p>")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    answer, _ = ask(server, "POST", "accept", "key=a%26b&note=na%C3%AFve+%3Cb%3E")
    assert answer.status == 303
    assert answer.headers["Location"] == server.address
    assert server.done == [{"key": "a&b", "note": "naïve <b>"}]


@ALONE
def test_it_listens_on_loopback_with_a_token_of_its_own(server):
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 43  # 32 random bytes
    other = ReviewServer(lambda: "", {})
    other.server_close()
    assert other.token != server.token


@ALONE
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 403),
        ("//", 403),
        ("/accept", 403),
        ("/{token}", 403),
        ("/{token}x/", 403),
        ("/x{token}/", 403),
        ("/../{token}/", 403),
        ("/%2e/{token}/", 403),
        ("/{token}/other", 404),
        ("/{token}/../", 404),
        ("/{token}/accept/", 404),
    ],
)
def test_another_path_is_refused(server, path, status):
    path = path.format(token=server.token)
    for method, body in (("GET", None), ("POST", "key=a")):
        answer, text = ask(server, method, path, body)
        assert answer.status == status, path
        assert "the page" not in text
        assert server.token not in text + str(answer.headers)
    assert server.done == []


@ALONE
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.org"},
        {"Host": "example.org:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": ""},
        {"Origin": "http://example.org"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_host_or_origin_is_refused(server, headers):
    headers = {k: v.format(port=server.server_port) for k, v in headers.items()}
    for method, path, body in (("GET", "", None), ("POST", "accept", "key=a")):
        answer, text = ask(server, method, path, body, **headers)
        assert answer.status == 403, headers
        assert "the page" not in text
    assert server.done == []


@ALONE
@pytest.mark.parametrize("without", ["Host", "Origin"])
def test_a_form_without_host_or_origin_is_refused(server, without):
    answer, _ = ask(server, "POST", "accept", "key=a", without=[without])
    assert answer.status == 403
    assert server.done == []


@ALONE
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "accept"), ("GET", "accept?key=a"), ("POST", ""), ("PUT", "accept"),
     ("DELETE", "accept"), ("HEAD", ""), ("OPTIONS", ""), ("TRACE", ""), ("ANY", "")],
)  # fmt: skip
def test_another_method_is_refused(server, method, path):
    answer, text = ask(server, method, path, "key=a" if method == "POST" else None)
    assert answer.status == 405
    assert "the page" not in text
    assert server.done == []


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, "{}", {"Content_Type": "application/json"}),
        (400, "key=a", {"Content_Type": "text/plain"}),
        (400, "key=%ff", {}),
        (400, "&".join(f"a{i}=1" for i in range(50)), {}),
        (400, "key=ä", {}),
        (413, "key=" + "a" * 70_000, {}),
    ],
)
def test_what_is_no_form_is_refused(server, status, body, headers):
    try:
        answer, _ = ask(server, "POST", "accept", body, **headers)
        assert answer.status == status
    except ConnectionError:  # it does not read what is too long
        assert status == 413
    assert server.done == []
    assert ask(server)[0].status == 200


def test_a_silent_connection_holds_up_nobody(server):
    with http.client.socket.create_connection(("127.0.0.1", server.server_port)):
        assert ask(server)[0].status == 200
