"""aiohttp.web behind a ``ClientCertContext``, on asyncio and on uvloop, over real sockets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import ssl
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import uvloop
from aiohttp import web

from proxy.identity.facts import CertificateFacts
from proxy.identity.revocation import build_revocation_view, known_issuer_names
from proxy.tls import ClientCertContext
from proxy.web.client_certificate import PEER, require_client_certificate
from tests.gate.handshake import send_certificate, send_with_wrong_key
from tests.pki import ADMITTED, REFUSED, client, server, trust
from tests.unit.tls.memory import BOTH_VERSIONS, client_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    Run = Callable[[Coroutine[Any, Any, Any]], Any]

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a coroutine to its end on each kind of loop."""

    def run_on_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(coroutine)

    return run_on_loop


@pytest.fixture
def context(tmp_path: Path) -> ClientCertContext:
    """Return the context as a user of aiohttp.web makes it."""
    files = server().write(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(trust().ca_pem)
    context = ClientCertContext()
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(tmp_path / "ca.crt")
    return context


async def hello(request: web.Request) -> web.Response:
    """Say who is there and how much was sent."""
    leaf = request[PEER].leaf
    assert leaf is not None
    body = await request.read()
    return web.json_response({"subject": leaf.subject.rfc4514_string(), "size": len(body)})


@asynccontextmanager
async def serving(context: ClientCertContext, **settings: Any) -> AsyncIterator[int]:
    """Serve the app on a free port of 127.0.0.1."""
    view = build_revocation_view(trust().crls, [trust().root.certificate, trust().sub.certificate])
    known = known_issuer_names([trust().sub.certificate], [])
    defaults: dict[str, Any] = {"revocation": lambda: view, "known_issuers": known}
    gatekeeper = require_client_certificate(**(defaults | settings))
    app = web.Application(middlewares=[gatekeeper], client_max_size=1 << 26)
    app.router.add_route("*", "/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def ask(
    port: int, browser: ssl.SSLContext, method: str = "GET", **request: Any
) -> tuple[int, Any]:
    """Return status and JSON of one request on a connection of its own."""
    connector = aiohttp.TCPConnector(ssl=browser, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        accept = {"Accept": "application/problem+json"}
        url = f"https://127.0.0.1:{port}/"
        async with session.request(method, url, headers=accept, **request) as response:
            return response.status, json.loads(await response.read())


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_good_clients_are_served(run: Run, context: ClientCertContext, version: ssl.TLSVersion):
    async def scenario() -> None:
        async with serving(context) as port:
            for kind in ADMITTED:
                status, answer = await ask(port, client_context(client(kind), version))
                assert status == 200, kind
                assert answer["subject"] == client(kind).leaf.subject.rfc4514_string()

    run(scenario())


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_bad_clients_get_a_403_that_says_why(
    run: Run, context: ClientCertContext, version: ssl.TLSVersion
):
    async def scenario() -> None:
        async with serving(context) as port:
            for kind in REFUSED:
                who = None if kind == "none" else client(kind)
                status, answer = await ask(port, client_context(who, version))
                assert (status, answer["code"]) == (403, REFUSED[kind]), kind

    run(scenario())


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", ["good", "none"])
def test_64_clients_at_once_are_all_answered(
    run: Run, context: ClientCertContext, kind: str, version: ssl.TLSVersion
):
    """A request that arrives together with the client's Finished must not wait for good."""
    browser = client_context(None if kind == "none" else client(kind), version)

    async def scenario() -> None:
        async with serving(context) as port, asyncio.timeout(60):
            answers = await asyncio.gather(*(ask(port, browser) for _ in range(64)))
        assert {status for status, _ in answers} == {403 if kind == "none" else 200}

    run(scenario())


def test_a_large_body_arrives_whole(run: Run, context: ClientCertContext):
    async def scenario() -> None:
        async with serving(context) as port:
            browser = client_context(client("good"))
            status, answer = await ask(port, browser, "POST", data=io.BytesIO(bytes(8 << 20)))
            assert (status, answer["size"]) == (200, 8 << 20)

    run(scenario())


def test_one_connection_serves_many_requests(run: Run, context: ClientCertContext):
    async def scenario() -> None:
        async with serving(context) as port:
            connector = aiohttp.TCPConnector(ssl=client_context(client("good")), limit=1)
            async with aiohttp.ClientSession(connector=connector) as session:
                for _ in range(50):
                    async with session.get(f"https://127.0.0.1:{port}/") as response:
                        assert response.status == 200
                        await response.read()

    run(scenario())


def test_curl_without_a_certificate_gets_the_page(
    run: Run, context: ClientCertContext, tmp_path: Path
):
    """curl sends its request together with Finished: the case that hung on uvloop."""
    (tmp_path / "web.crt").write_bytes(trust().web.pem)

    async def scenario() -> None:
        async with serving(context) as port:
            for version in ("--tlsv1.3", "--tls-max=1.2"):
                url = f"https://127.0.0.1:{port}/"
                command = ["curl", "-sS", "-m", "20", version.partition("=")[0]]
                command += [version.partition("=")[2]] if "=" in version else []
                command += ["--cacert", str(tmp_path / "web.crt"), "-w", "%{http_code}", url]
                process = await asyncio.create_subprocess_exec(
                    *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
                )
                out, errors = await process.communicate()
                assert out.endswith(b"403"), errors

    run(scenario())


def test_a_certificate_that_expires_stops_working_on_its_open_connection(
    run: Run, context: ClientCertContext
):
    now = [client("good").leaf.not_valid_after_utc.timestamp() - 1]

    async def scenario() -> None:
        async with serving(
            context, clock=lambda: now[0], revocation=lambda: build_revocation_view(None, [])
        ) as port:
            connector = aiohttp.TCPConnector(ssl=client_context(client("good")), limit=1)
            async with aiohttp.ClientSession(connector=connector) as session:
                url = f"https://127.0.0.1:{port}/"
                async with session.get(url) as response:
                    assert response.status == 200
                    await response.read()
                now[0] += 2
                async with session.get(url) as response:
                    assert response.status == 403
                    assert response.headers["Connection"] == "close"

    run(scenario())


@pytest.mark.parametrize("entry", [b"", b"garbage", b"\x30\x82\xff\xff", b"\x30\x00"])
def test_a_garbage_certificate_is_counted_and_hurts_nobody_else(
    run: Run, context: ClientCertContext, entry: bytes, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "proxy.tls")

    async def scenario() -> None:
        async with serving(context) as port:
            await asyncio.to_thread(send_certificate, port, [entry])
            status, _ = await ask(port, client_context(client("good")))
            assert status == 200

    run(scenario())
    assert context.handshake_failures.total() == 1
    assert caplog.messages[0].startswith("TLS handshake failed: ")


def test_a_certificate_without_its_key_is_counted(run: Run, context: ClientCertContext):
    async def scenario() -> None:
        async with serving(context) as port:
            await asyncio.to_thread(send_with_wrong_key, port, client("good"))

    run(scenario())
    assert context.handshake_failures == {"bad signature": 1}


def test_plain_http_on_the_tls_port_is_counted(run: Run, context: ClientCertContext):
    async def scenario() -> None:
        async with serving(context) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.read()
            writer.close()
            await writer.wait_closed()

    run(scenario())
    assert context.handshake_failures == {"http request": 1}


def test_cert_required_refuses_in_the_handshake(run: Run, context: ClientCertContext):
    context.verify_mode = ssl.CERT_REQUIRED

    async def scenario() -> None:
        async with serving(context) as port:
            assert (await ask(port, client_context(client("good"))))[0] == 200
            with pytest.raises(aiohttp.ClientError):
                await ask(port, client_context(client("expired")))

    run(scenario())
    assert context.handshake_failures.keys() == {"certificate verify failed"}


def test_a_cut_upload_never_looks_complete(run: Run, context: ClientCertContext):
    """A body that ends with the connection must be an error to the handler."""
    seen: list[str] = []

    async def read(request: web.Request) -> web.Response:
        try:
            await request.read()
        except (ConnectionError, aiohttp.ClientError, web.RequestPayloadError, OSError):
            seen.append("cut")
            raise
        seen.append("complete")
        return web.Response()

    async def scenario() -> None:
        app = web.Application()
        app.router.add_post("/", read)
        runner = web.AppRunner(app, handler_cancellation=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        browser = client_context(client("good"))
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=browser, server_hostname="localhost"
        )
        writer.write(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        )
        await writer.drain()
        writer.transport.abort()
        await runner.cleanup()

    run(scenario())
    assert "complete" not in seen


def test_a_request_that_came_another_way_is_refused(run: Run):
    """Plain HTTP, or a context of the standard library: no verified client, no request."""

    async def scenario() -> None:
        app = web.Application(middlewares=[require_client_certificate()])
        app.router.add_get("/", hello)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 403
        await runner.cleanup()

    run(scenario())


def test_a_refused_certificate_that_cannot_be_read_is_still_refused(
    run: Run, context: ClientCertContext, monkeypatch: pytest.MonkeyPatch
):
    def fail(_certificate: object) -> CertificateFacts:
        raise ValueError("unreadable")

    monkeypatch.setattr(CertificateFacts, "read", fail)

    async def scenario() -> None:
        async with serving(context) as port:
            status, answer = await ask(port, client_context(client("expired")))
            assert (status, answer["code"]) == (403, "certificate_expired")
            assert "certificate" not in answer

    run(scenario())
