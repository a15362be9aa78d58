"""Routes: the path that picks the rule is the path that the app gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, running_gate
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gate import Gate

ROUTES = [
    {"path": "/", "access": "verified"},
    {"path": "/public", "access": "public"},
    {"path": "/public/secret", "access": "verified"},
    {"path": "/maybe", "access": "optional"},
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Recorder]]:
    """A gate with a public, an optional and two verified routes; shared by the module."""
    folder = tmp_path_factory.mktemp("gate")
    with Recorder() as upstream, running_gate(folder, upstream.url, routes=ROUTES) as running:
        yield running, upstream


@pytest.fixture
def routed(shared: tuple[Gate, Recorder]) -> tuple[Gate, Recorder]:
    """The same, with nothing left from earlier tests."""
    shared[1].forget()
    return shared


@pytest.mark.parametrize(
    ("target", "status"),
    [
        # 400 or 403 are both right where a path can be read in two ways.
        ("/public", 200),
        ("/public/", 200),
        ("/public/a", 200),
        ("/public?/../secret", 200),
        ("/maybe/x", 200),
        ("/%70ublic/a", 200),
        ("/", 403),
        ("/publicity", 403),
        ("/public-admin", 403),
        ("/PUBLIC", 403),
        ("/public/secret", 403),
        ("/public/secret/x", 403),
        ("/public/%73ecret", 403),
        ("/public//secret", 403),
        ("/public/./secret", 403),
        ("/public/x/../secret", 403),
        ("/public/x/%2e%2e/secret", 403),
        ("/public/../admin", 403),
        ("/public/..%2fadmin", 403),
        ("/public/%2e%2e/admin", 403),
        ("/public%2f..%2fadmin", 403),
        ("//public/../admin", 403),
    ],
)
def test_a_stranger_reaches_only_what_is_public(
    routed: tuple[Gate, Recorder], target: str, status: int
):
    """However the path is written."""
    gate, upstream = routed
    with connect(gate.port, "none") as connection:
        answered = connection.get(target).status
    assert answered == status or {answered, status} <= {400, 403}
    if status == 200:
        assert upstream.received().header("X-SSL-Client-Verify") == "NONE"
    assert upstream.nothing_received()


@pytest.mark.parametrize(
    "target", ["/public/..;/admin", "/public/..\\admin", "/public/%252e%252e/x"]
)
def test_a_path_that_another_parser_could_read_as_private_is_not_forwarded_raw(
    routed: tuple[Gate, Recorder], target: str
):
    """Either refused, or what the app gets cannot mean another route."""
    gate, upstream = routed
    with connect(gate.port, "none") as connection:
        status = connection.get(target).status
    if status == 200:
        assert upstream.received().target.startswith("/public/")
    else:
        assert status in {400, 403}
