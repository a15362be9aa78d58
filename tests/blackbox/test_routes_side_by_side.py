"""Files for everybody, an app for some, prefixes that are taken off: none is a way into another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head, running_gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gate import Gate
    from tests.upstreams import Recorder

ROUTES = [
    {"path": "/", "static": "public", "access": "public"},
    {"path": "/admin"},
    {"path": "/Files/", "static": "public", "access": "public"},
    {"path": "/pub/", "upstream_path": "/", "access": "public"},
    {"path": "/shut", "respond": 404, "access": "public"},
    {"path": "/away", "redirect": "https://$host$request_uri", "access": "public"},
    {"path": "/", "host": "staff.example"},
]


@pytest.fixture(scope="module")
def mixed_gate(
    shared_recorder: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("gate")
    (folder / "public" / "admin").mkdir(parents=True)
    (folder / "public" / "admin" / "x").write_text("beside the app's")
    with running_gate(folder, shared_recorder.url, routes=ROUTES) as running:
        yield running


@pytest.mark.parametrize(
    "target",
    [
        *("/admin", "/./admin", "//admin/x", "/%61dmin/x", "/x/../admin/x", "/Files/../admin"),
        *("/ADMIN/x", "/admin%2fx", "/admin;/x", "/;/admin", "/\\admin", "/x/..%2fadmin"),
        *("/pub/admin", "/pub/ADMIN", "/pub/x/..%2fadmin", "/pub/admin;a", "/pub/%2561dmin"),
        *("/pub/..%2fadmin", "/pub/.;/admin", "https://staff.example/", "https://localhost/admin"),
        *("/SHUT", "/x/..%2fshut", "/Files/..%2f..%2fgate.yaml", "/Files/%2e%2e/admin/x"),
    ],
)
def test_a_stranger_gets_to_no_path_that_is_guarded(
    mixed_gate: Gate, recorder: Recorder, target: str
):
    host = "staff.example" if "staff" in target else "localhost"
    with connect(mixed_gate.port, None) as client:
        answer = client.get(target, host=host)
    assert answer.status in {400, 403, 404}
    assert b"beside" not in answer.body
    assert recorder.nothing_received()


@pytest.mark.parametrize(
    "host",
    ["staff.example", "STAFF.example:443", "staff.example.", "staff.example..", ".staff.example."],
)
def test_no_spelling_of_a_host_is_another_host(mixed_gate: Gate, recorder: Recorder, host: str):
    with connect(mixed_gate.port, None) as client:
        assert client.get("/admin/x", host=host).status in {400, 403}
    assert recorder.nothing_received()


def test_what_is_open_stays_open(mixed_gate: Gate, recorder: Recorder):
    with connect(mixed_gate.port, None) as client:
        assert client.get("/Files/admin/x").text == "beside the app's"
        assert client.get("/pub").header("location") == "/pub/"
        assert client.get("/away//x", host="[::1]:8443").header("location") == (
            "https://[::1]/away//x"
        )
        client.send(head("OPTIONS * HTTP/1.1", "Host: localhost"))
        assert client.response("OPTIONS").status == 405
    assert recorder.nothing_received()
    with connect(mixed_gate.port) as client:
        assert client.get("/pub/admin").status == 200
    assert recorder.received().target == "/admin"
