"""The demo app shows what the gate said, and lets an upload, a stream and an echo be tried."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.web.demo import Demo, start_demo

KNOWN = {
    "X-SSL-Client-Verify": "SUCCESS",
    "X-SSL-Client-S-DN": "CN=J\\C3\\BCrgen,O=Acme",
    "X-SSL-Client-CN": "J%C3%BCrgen",
    "X-SSL-Client-Serial": "1000",
}


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """A running demo app."""
    running = await start_demo()
    yield running
    await running.stop()


@pytest.fixture
async def session(demo: Demo) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser that visits the demo app."""
    async with aiohttp.ClientSession(demo.url, headers={"Accept": "text/html"}) as made:
        yield made


async def test_a_verified_visitor_is_greeted_by_name(session: aiohttp.ClientSession):
    async with session.get("/", headers=KNOWN) as answer:
        body = await answer.text()
    assert "Hello, <bdi>Jürgen</bdi>" in body
    assert "1000" in body


async def test_a_certificate_without_a_common_name_is_greeted_by_its_subject(
    session: aiohttp.ClientSession,
):
    headers = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "O=Acme"}
    async with session.get("/", headers=headers) as answer:
        assert "Hello, <bdi>O=Acme</bdi>" in await answer.text()


async def test_a_visitor_without_a_certificate_is_a_stranger(session: aiohttp.ClientSession):
    async with session.get("/", headers={"X-SSL-Client-Verify": "NONE"}) as answer:
        assert "Hello, stranger" in await answer.text()


async def test_whoever_comes_past_the_gate_is_told_so(session: aiohttp.ClientSession):
    async with session.get("/") as answer:
        assert "You came in past the gate" in await answer.text()


async def test_a_terminal_gets_a_few_lines_instead_of_the_page(session: aiohttp.ClientSession):
    async with session.get("/", headers={**KNOWN, "Accept": "*/*"}) as answer:
        body = await answer.text()
    assert answer.content_type == "text/plain"
    assert body.splitlines() == [
        "Hello, Jürgen",
        "",
        "The gate let you in, and tells the app:",
        "X-SSL-Client-Verify: SUCCESS",
        "X-SSL-Client-S-DN: CN=J\\C3\\BCrgen,O=Acme",
        "X-SSL-Client-CN: J%C3%BCrgen",
        "X-SSL-Client-Serial: 1000",
    ]


async def test_a_name_cannot_steer_the_terminal(session: aiohttp.ClientSession):
    evil = {**KNOWN, "X-SSL-Client-CN": "%1B%5B2J%0Aroot", "Accept": "*/*"}
    async with session.get("/", headers=evil) as answer:
        body = await answer.text()
    assert "\x1b" not in body
    assert body.splitlines()[0].startswith("Hello, \\")


@pytest.mark.parametrize(
    ("verify", "words"), [("NONE", "without a certificate"), ("", "You came in past the gate")]
)
async def test_a_terminal_is_told_what_is_missing(
    session: aiohttp.ClientSession, verify: str, words: str
):
    headers = {"X-SSL-Client-Verify": verify, "Accept": "*/*"}
    async with session.get("/", headers=headers) as answer:
        body = await answer.text()
    assert body.startswith("Hello, stranger\n")
    assert words in body


async def test_nothing_in_a_field_becomes_markup(session: aiohttp.ClientSession):
    evil = {**KNOWN, "X-SSL-Client-CN": "%3Cscript%3Ealert(1)%3C/script%3E", "X-Evil": "<img>"}
    async with session.get("/?<b>", headers=evil) as answer:
        body = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert "<script>alert" not in body
    assert "<img>" not in body
    assert "unsafe" not in policy


async def test_whoami_is_there_for_programs(session: aiohttp.ClientSession):
    async with session.get("/whoami.json", headers={**KNOWN, "X-Other": "1"}) as answer:
        seen = await answer.json()
    assert (seen["verify"], seen["name"]) == ("SUCCESS", "Jürgen")
    assert seen["client"]["Serial"] == "1000"
    assert seen["headers"]["X-Other"] == "1"


async def test_whoami_without_a_gate_claims_nothing(session: aiohttp.ClientSession):
    async with session.get("/whoami.json") as answer:
        seen = await answer.json()
    assert (seen["verify"], seen["name"], seen["client"]) == (None, None, {})


async def test_an_uploaded_file_is_counted_and_hashed(session: aiohttp.ClientSession):
    content = bytes(range(256)) * 4096
    form = aiohttp.FormData()
    form.add_field("file", content, filename="x.bin")
    async with session.post("/upload", data=form) as answer:
        assert await answer.json() == {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


async def test_a_plain_body_is_counted_too(session: aiohttp.ClientSession):
    async with session.post("/upload", data=b"abc") as answer:
        assert (await answer.json())["bytes"] == 3


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=x", "multipart/mixed; boundary="]
)
async def test_a_broken_form_is_a_bad_request(session: aiohttp.ClientSession, kind: str):
    async with session.post("/upload", data=b"no form", headers={"Content-Type": kind}) as answer:
        assert answer.status == 400


async def test_an_empty_form_is_an_upload_of_nothing(session: aiohttp.ClientSession):
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    async with session.post("/upload", data=b"--x--\r\n", headers=kind) as answer:
        assert (await answer.json())["bytes"] == 0


async def test_a_client_that_leaves_during_an_upload_is_no_error(
    demo: Demo, caplog: pytest.LogCaptureFixture
):
    reader, writer = await asyncio.open_connection("127.0.0.1", demo.port)
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    writer.write(head)
    await reader.readuntil(b"100 Continue\r\n")  # the app waits for the content now
    writer.transport.abort()
    await demo.stop()
    assert not caplog.records


async def test_the_echo_sends_text_and_bytes_back(session: aiohttp.ClientSession):
    async with session.ws_connect("/echo") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=10) == "hello"
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive_bytes(timeout=10) == b"\x00\xff"


async def test_the_clock_is_an_event_stream(session: aiohttp.ClientSession):
    async with session.get("/clock") as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readuntil(b"\n\n") == b"data: 0\n\n"


async def test_stopping_ends_clocks_and_echoes_at_once():
    running = await start_demo()
    async with (
        aiohttp.ClientSession(running.url) as session,
        session.get("/clock") as clock,
        session.ws_connect("/echo") as echo,
    ):
        await clock.content.readuntil(b"\n\n")
        async with asyncio.timeout(5):
            await running.stop()
            await clock.content.read()
            assert (await echo.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_port_that_is_taken_is_an_error(demo: Demo):
    with pytest.raises(OSError, match="address already in use"):
        await start_demo(demo.port)
