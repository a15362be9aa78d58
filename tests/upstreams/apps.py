"""Real applications that know nothing of the gate, each on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from typing import TYPE_CHECKING, Any

from flask import Flask, redirect, request, session, url_for
from websockets.sync.server import ServerConnection, serve
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Response as FlaskResponse


def guestbook() -> Flask:
    """Return an app with a login, a session cookie, redirects, uploads and an event stream."""
    app = Flask("guestbook")
    app.secret_key = "not a secret in a test"
    app.add_url_rule("/", view_func=_home, endpoint="home")
    app.add_url_rule("/login", view_func=_login, methods=["POST"])
    app.add_url_rule("/upload", view_func=_upload, methods=["POST"])
    app.add_url_rule("/stream", view_func=_stream)
    app.add_url_rule("/events/<int:count>", view_func=_events)
    app.add_url_rule("/echo", view_func=_echo, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    return app


_next_event = threading.Semaphore(0)


def release_event() -> None:
    """Let an open ``/events`` stream send one more event."""
    _next_event.release()


def _home() -> str:
    visits = session["visits"] = session.get("visits", 0) + 1
    return f"{session.get('user', 'nobody')} was here {visits} times"


def _login() -> FlaskResponse:
    session["user"] = request.form["user"]
    return redirect(url_for("home"))


def _upload() -> dict[str, Any]:
    file = request.files["file"]
    content = file.read()
    return {
        "name": file.filename,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "note": request.form["note"],
    }


def _stream() -> Iterator[str]:
    return (f"line {number}\n" for number in range(1000))


def _events(count: int) -> tuple[Iterator[str], dict[str, str]]:
    def events() -> Iterator[str]:
        yield "data: ready\n\n"
        for number in range(count):
            _next_event.acquire()
            yield f"data: {number}\n\n"

    return events(), {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}


def _echo() -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "path": request.full_path,
        "headers": list(request.headers.items()),
        "body": request.get_data(as_text=True),
    }


@contextlib.contextmanager
def running_guestbook(*, knows_its_prefix: bool = False) -> Iterator[str]:
    """Serve ``guestbook`` from threads and yield its URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app: Any = guestbook()
    if knows_its_prefix:
        app = ProxyFix(app, x_for=0, x_proto=1, x_host=0, x_prefix=1)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextlib.contextmanager
def running_websocket_echo() -> Iterator[str]:
    """Serve a WebSocket echo and yield its http URL."""

    def echo(socket: ServerConnection) -> None:
        for message in socket:
            socket.send(message)

    with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join(10)
