"""The app behind ``certgate up`` when there is no other: it shows you who the gate says you are.

It binds to 127.0.0.1 only and believes the X-SSL-Client-* fields, as every app behind the gate may:
whoever reaches it past the gate can claim anything, and the page says so when they are missing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from aiohttp import WSMsgType, web

from proxy.web.negotiation import Format, choose_format
from proxy.web.templating import csp_hash, load_template, read_asset
from proxy.web.untrusted import printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PREFIX: Final = "X-SSL-Client-"
_CHUNK_BYTES: Final = 64 * 1024
_STOPPING: Final = web.AppKey("stopping", asyncio.Event)
_SCRIPT: Final = read_asset("demo.js")
_STYLE: Final = read_asset("page.css") + read_asset("demo.css")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who the gate says is asking.

    Attributes:
        verify: ``SUCCESS``, ``NONE`` or ``FAILED:reason``; empty when there is no gate in front.
        name: the certificate's common name, else its whole subject.
        facts: the other X-SSL-Client-* fields by their last part, e.g. ``Serial``.
    """

    verify: str
    name: str
    facts: dict[str, str]

    @classmethod
    def of(cls, request: web.Request) -> Visitor:
        """Read the identity fields of a request."""
        facts = {
            name[len(_PREFIX) :]: value
            for name, value in request.headers.items()
            if name.lower().startswith(_PREFIX.lower())
        }
        common_name = unquote(facts.get("CN", ""))
        return cls(facts.pop("Verify", ""), common_name or facts.get("S-DN", ""), facts)


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo app.

    Attributes:
        port: the port on 127.0.0.1.
        url: where it listens, as the configuration names an upstream.
    """

    port: int
    _runner: web.AppRunner

    @property
    def url(self) -> str:
        """Where the app listens, e.g. ``http://127.0.0.1:41234``."""
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Stop listening, end clocks and echoes, and close all connections."""
        await self._runner.cleanup()


async def start_demo(port: int = 0) -> Demo:
    """Start the demo app on 127.0.0.1.

    Args:
        port: the port to listen on; 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(make_app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return Demo(int(runner.addresses[0][1]), runner)


def make_app() -> web.Application:
    """Return the app: a page, an upload, a clock (event stream) and an echo (WebSocket)."""
    app = web.Application(client_max_size=_CHUNK_BYTES)
    app[_STOPPING] = asyncio.Event()
    app.on_shutdown.append(_stop)
    app.router.add_get("/", _show_page)
    app.router.add_get("/whoami.json", _show_json)
    app.router.add_post("/upload", _take_upload)
    app.router.add_get("/clock", _stream_clock)
    app.router.add_get("/echo", _echo)
    return app


async def _stop(app: web.Application) -> None:
    app[_STOPPING].set()


async def _show_page(request: web.Request) -> web.Response:
    """Show a browser the page, and a terminal (curl) the same in a few lines."""
    accept = request.headers.get("Accept", "").encode("utf-8", "surrogateescape")
    if choose_format(accept or None) is not Format.HTML:
        return _show_text(Visitor.of(request))
    body = _TEMPLATE.render(
        visitor=Visitor.of(request),
        headers=sorted(request.headers.items()),
        method=request.method,
        path=request.path_qs,
    )
    return web.Response(
        body=body.encode("utf-8", "backslashreplace"),
        content_type="text/html",
        charset="utf-8",
        headers=_PAGE_FIELDS,
    )


def _show_text(visitor: Visitor) -> web.Response:
    facts = {"Verify": visitor.verify} | visitor.facts
    told = [f"{_PREFIX}{name}: {printable(value, 80)}" for name, value in facts.items() if value]
    if visitor.verify == "SUCCESS":
        who, what = printable(visitor.name, 80) or "you", "The gate let you in, and tells the app:"
    elif visitor.verify:
        who, what = "stranger", "The gate let you in without a certificate, and tells the app:"
    else:
        who, what = "stranger", "You came in past the gate: this app is not protected."
    text = "\n".join([f"Hello, {who}", "", what, *told, ""])
    return web.Response(text=text, headers=_TEXT_FIELDS)


async def _show_json(request: web.Request) -> web.Response:
    visitor = Visitor.of(request)
    shown = {
        "verify": visitor.verify or None,
        "name": visitor.name or None,
        "client": visitor.facts,
        "headers": dict(request.headers.items()),
    }
    return web.json_response(shown, headers={"Cache-Control": "no-store"})


async def _take_upload(request: web.Request) -> web.Response:
    """Count and hash what is uploaded, whatever its size, and keep nothing of it."""
    size, digest = 0, sha256()
    try:
        async for chunk in _uploaded(request):
            size += len(chunk)
            digest.update(chunk)
    except (ValueError, ConnectionError) as error:
        raise web.HTTPBadRequest(text="The upload is broken or incomplete.\n") from error
    return web.json_response({"bytes": size, "sha256": digest.hexdigest()})


async def _uploaded(request: web.Request) -> AsyncIterator[bytes]:
    if not request.content_type.startswith("multipart/"):
        async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
            yield chunk
        return
    part = await (await request.multipart()).next()
    while part is not None and hasattr(part, "read_chunk"):
        chunk = await part.read_chunk(_CHUNK_BYTES)
        if not chunk:
            return
        yield bytes(chunk)


async def _stream_clock(request: web.Request) -> web.StreamResponse:
    """Send the number of seconds since the start, once a second, until somebody stops."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    seconds = 0
    with suppress(ConnectionError):  # the page was closed
        while not request.app[_STOPPING].is_set():
            await response.write(b"data: %d\n\n" % seconds)
            seconds += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await request.app[_STOPPING].wait()
    return response


async def _echo(request: web.Request) -> web.WebSocketResponse:
    """Send every message back."""
    socket = web.WebSocketResponse(heartbeat=30)
    await socket.prepare(request)
    closer = asyncio.create_task(_close_when_stopping(request.app, socket))
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    finally:
        closer.cancel()
    return socket


async def _close_when_stopping(app: web.Application, socket: web.WebSocketResponse) -> None:
    await app[_STOPPING].wait()
    await socket.close(code=1001, message=b"going away")


_TEMPLATE: Final = load_template("demo.html", style=_STYLE, script=_SCRIPT)
_TEXT_FIELDS: Final = {
    "Cache-Control": "no-store",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_FIELDS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {csp_hash(_STYLE)}; script-src {csp_hash(_SCRIPT)}; "
        "connect-src 'self'; form-action 'self'; img-src data:; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
