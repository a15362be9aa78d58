"""The same folder, served by nginx and by certgate: the same answers, but for those listed here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, connect, head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gate import Gate, Nginx, Response
    from tests.gate.fixtures import StartGate

NGINX = """
include /etc/nginx/mime.types;
server {{ listen 127.0.0.1:{{port}}; absolute_redirect off; location / {{ root {public}; }}
location /files/ {{ alias {public}/; }} }}
"""
MODIFIED = 1_700_000_000
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
EARLIER = "Tue, 14 Nov 2023 22:13:19 GMT"
LATER = "Tue, 14 Nov 2023 22:13:21 GMT"

SAME = [
    ("GET", "/"),
    ("GET", "/index.html"),
    ("GET", "/a.txt"),
    ("HEAD", "/a.txt"),
    ("GET", "/a.txt?x"),
    ("GET", "/%61.txt"),
    ("GET", "/empty"),
    ("GET", "/sub"),
    ("GET", "/sub?x=y"),
    ("GET", "/files/"),
    ("GET", "/files/a.txt"),
    ("GET", "/sub/"),
    ("GET", "/sub/../a.txt"),
    ("GET", "//a.txt"),
    ("GET", "/none"),
    ("GET", "/none/"),
    ("GET", "/a.txt/x"),
    ("GET", "/inside.txt"),
    ("GET", "/../a.txt"),
    ("POST", "/a.txt"),
    ("PUT", "/a.txt"),
    ("DELETE", "/a.txt"),
    ("GET", "/a.txt", f"If-Modified-Since: {DATE}"),
    ("GET", "/a.txt", f"If-Modified-Since: {EARLIER}"),
    ("GET", "/a.txt", "If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT"),
    ("GET", "/a.txt", "If-Modified-Since: Tue Nov 14 22:13:20 2023"),
    ("GET", "/a.txt", "If-Modified-Since: yesterday"),
    ("GET", "/a.txt", f"If-Unmodified-Since: {DATE}"),
    ("GET", "/a.txt", f"If-Unmodified-Since: {EARLIER}"),
    ("GET", "/a.txt", "If-None-Match: *"),
    ("GET", "/a.txt", 'If-None-Match: "x"'),
    ("GET", "/a.txt", 'If-None-Match: "x", ETAG'),
    ("GET", "/a.txt", "If-None-Match: W/ETAG"),
    ("GET", "/a.txt", 'If-None-Match: "x"', f"If-Modified-Since: {DATE}"),
    ("GET", "/a.txt", "If-Match: *"),
    ("GET", "/a.txt", 'If-Match: "x"'),
    ("GET", "/a.txt", "If-Match: ETAG"),
    ("GET", "/a.txt", "If-Match: W/ETAG"),
    ("GET", "/none", 'If-Match: "x"'),
    ("GET", "/a.txt", "Range: bytes=0-0"),
    ("GET", "/a.txt", "Range: bytes=10-"),
    ("GET", "/a.txt", "Range: bytes=-10"),
    ("GET", "/a.txt", "Range: bytes=-5000"),
    ("GET", "/a.txt", "Range: bytes=0-5000"),
    ("GET", "/a.txt", "Range: bytes=1000-"),
    ("GET", "/a.txt", "Range: bytes=1000-,0-9"),
    ("GET", "/a.txt", "Range: lines=0-9"),
    ("GET", "/a.txt", "Range: bytes=0-9", "If-Range: ETAG"),
    ("GET", "/a.txt", "Range: bytes=0-9", 'If-Range: "x"'),
    ("GET", "/a.txt", "Range: bytes=0-9", f"If-Range: {DATE}"),
    ("GET", "/a.txt", "Range: bytes=0-9", f"If-Range: {EARLIER}"),
    ("GET", "/a.txt", "Range: bytes=0-9", "If-None-Match: *"),
    ("GET", "/empty", "Range: bytes=0-"),
    ("GET", "/none", "Range: bytes=0-9"),
    ("GET", "/sub", "Range: bytes=0-9"),
]
"""Requests that both answer alike; ETAG stands for the server's own."""

DIFFERENT = [
    # certgate hides what begins with a dot, follows links inside the folder only,
    (("GET", "/.env"), 200, 404),
    (("GET", "/.well-known/x"), 200, 200),
    (("GET", "/outside.txt"), 200, 404),
    # takes /files for the same prefix as /files/,
    (("GET", "/files"), 404, 301),
    # takes no path for another one,
    (("GET", "/sub%2fb.txt"), 200, 404),
    # says 404 of a file that is asked for as a folder: nginx, too, but for what its index finds,
    (("GET", "/a.txt/"), 404, 404),
    # takes If-Modified-Since as RFC 9110 has it (nginx: if_modified_since before),
    (("GET", "/a.txt", f"If-Modified-Since: {LATER}"), 200, 304),
    # gives ranges to GET alone (RFC 9110, section 14.2),
    (("HEAD", "/a.txt", "Range: bytes=0-9"), 206, 200),
    # ignores a Range that makes no sense (section 14.2 lets it choose),
    (("GET", "/a.txt", "Range: bytes=9-0"), 416, 200),
    (("GET", "/a.txt", "Range: bytes=a-b"), 416, 200),
    # reads the unit in any letter case (section 14.1),
    (("GET", "/a.txt", "Range: BYTES=0-9"), 206, 206),
    # and names the methods it has.
    (("OPTIONS", "/a.txt"), 405, 405),
]


@pytest.fixture
def both(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], tmp_path: Path
) -> tuple[Gate, Nginx]:
    """One folder, two servers."""
    public = tmp_path / "public"
    (public / "sub").mkdir(parents=True)
    (public / ".well-known").mkdir()
    for name in ("a.txt", "index.html", "sub/b.txt", ".env", ".well-known/x"):
        (public / name).write_bytes(b"0123456789" * 100)
    (public / "empty").write_bytes(b"")
    (tmp_path / "outside").write_bytes(b"outside")
    (public / "outside.txt").symlink_to("../outside")
    (public / "inside.txt").symlink_to("sub/b.txt")
    for path in public.rglob("*"):
        os.utime(path, (MODIFIED, MODIFIED))
    for path in (tmp_path, *tmp_path.parents):  # nginx's worker may be somebody else
        if path.is_relative_to("/tmp/") and os.geteuid() == 0:
            path.chmod(path.stat().st_mode | 0o755)
    routes = [{"path": "/", "static": "public"}, {"path": "/files", "static": "public"}]
    gate = start_gate(None, routes=routes)  # type: ignore[arg-type]
    return gate, start_nginx(NGINX.format(public=public))


def ask(client: Client, method: str, path: str, *lines: str) -> Response:
    """Send a request, with the server's own entity tag for ETAG."""
    with client:
        etag = client.get("/a.txt").header("ETag")
        assert etag is not None
        filled = [line.replace("ETAG", etag) for line in lines]
        client.send(head(f"{method} {path} HTTP/1.1", "Host: localhost", *filled))
        return client.response(method)


def told(response: Response) -> tuple[object, ...]:
    """Return what has to be the same."""
    names = ["Content-Range", "Last-Modified", "Location"]
    if response.status in (200, 206):
        names.append("Content-Length")
    body = response.body if response.status in (200, 206) else b""
    return (response.status, body, *(response.header(name) for name in names))


def test_the_same_answers(both: tuple[Gate, Nginx]):
    gate, nginx = both
    different = {}
    for request in SAME:
        theirs = told(ask(Client(nginx.port, None), *request))
        ours = told(ask(connect(gate.port), *request))
        if ours != theirs:
            different[request] = {"nginx": theirs, "certgate": ours}
    assert different == {}


def test_the_differences_are_these(both: tuple[Gate, Nginx]):
    gate, nginx = both
    found = [
        (
            request,
            ask(Client(nginx.port, None), *request).status,
            ask(connect(gate.port), *request).status,
        )
        for request, _, _ in DIFFERENT
    ]
    assert found == DIFFERENT
