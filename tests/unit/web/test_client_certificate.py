"""The middleware's decision, request by request; on the network it is an integration test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from proxy.identity.facts import CertificateFacts
from proxy.tls import ClientCertObject
from proxy.web.client_certificate import PEER, require_client_certificate
from tests.pki import START, client
from tests.unit.tls.memory import client_context, gate

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

NOW = START.timestamp()
PROBLEM = "application/problem+json"


def handshake(kind: str | None) -> ClientCertObject:
    """Return the gate's end of a real handshake with this client."""
    into, out, back, forth = (ssl.MemoryBIO() for _ in range(4))
    visitor = client_context(client(kind) if kind else None).wrap_bio(
        back, forth, server_hostname="localhost"
    )
    ours = gate().wrap_bio(into, out, server_side=True)
    for _ in range(4):
        for end in (visitor, ours):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
            into.write(forth.read())
            back.write(out.read())
    assert isinstance(ours, ClientCertObject)
    return ours


def request_over(tls: object, *accept: str) -> web.Request:
    """Return a request that came over this; None is plain HTTP."""
    transport = asyncio.Transport({"ssl_object": tls})
    headers = [("Accept", value) for value in accept]
    return make_mocked_request("GET", "/", headers=headers, transport=transport)  # type: ignore[arg-type]


async def hello(request: web.Request) -> web.Response:
    assert request[PEER].leaf is not None
    return web.Response(text="hello")


def gatekeeper(**changes: object) -> Middleware:
    settings: dict[str, object] = {"clock": lambda: NOW}
    return require_client_certificate(**(settings | changes))  # type: ignore[arg-type]


async def ask(kind: str | None, *accept: str, **changes: object) -> web.Response:
    request = request_over(handshake(kind), *accept)
    answer = await gatekeeper(**changes)(request, hello)
    assert isinstance(answer, web.Response)
    return answer


def code_of(answer: web.Response) -> str:
    assert isinstance(answer.body, bytes)
    code: str = json.loads(answer.body)["code"]
    return code


async def test_a_good_client_reaches_the_handler():
    answer = await ask("good")
    assert (answer.status, answer.text) == (200, "hello")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (None, "certificate_missing"),
        ("expired", "certificate_expired"),
        ("wrong_eku", "certificate_wrong_purpose"),
        ("same_subject_as_ca", "certificate_self_signed"),
    ],
)
async def test_everybody_else_is_refused(kind: str | None, code: str):
    answer = await ask(kind, PROBLEM)
    assert (answer.status, code_of(answer)) == (403, code)
    assert answer.keep_alive is False


@pytest.mark.parametrize("tls", [None, object()])
async def test_a_request_that_came_another_way_is_refused(tls: object):
    """Plain HTTP, or TLS of the standard library."""
    answer = await gatekeeper()(request_over(tls), hello)
    assert answer.status == 403


async def test_a_request_whose_connection_is_gone_is_refused():
    class Gone(web.Request):
        transport = None

    request = request_over(handshake("good"))
    request.__class__ = Gone
    assert (await gatekeeper()(request, hello)).status == 403


async def test_the_status_and_the_detail_can_be_chosen():
    answer = await ask("expired", "text/html", PROBLEM, status=496, detail="none")
    assert answer.status == 496
    assert "expired" not in (answer.text or "")


async def test_a_certificate_that_cannot_be_read_is_refused_with_less_on_the_page(
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(_: object) -> CertificateFacts:
        raise ValueError("unreadable")

    monkeypatch.setattr(CertificateFacts, "read", fail)
    answer = await ask("expired", PROBLEM)
    assert isinstance(answer.body, bytes)
    assert "certificate" not in json.loads(answer.body)


async def test_an_error_in_the_lists_never_opens_the_door():
    def fail() -> None:
        raise RuntimeError("surprise")

    with pytest.raises(RuntimeError):
        await ask("good", revocation=fail)
