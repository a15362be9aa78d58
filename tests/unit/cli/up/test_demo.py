"""The demo app runs beside the gate, in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.client import HTTPConnection

import pytest

from proxy.cli.up import demo as module
from proxy.cli.up.demo import DemoThread


def test_it_answers_while_it_runs_and_is_gone_afterwards():
    before = threading.active_count()
    with DemoThread() as demo:
        port = int(demo.url.removeprefix("http://127.0.0.1:").rstrip("/"))
        with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("GET", "/", headers={"Connection": "close"})
            assert connection.getresponse().read()
    assert threading.active_count() == before
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def test_a_demo_that_cannot_start_says_so_to_who_waits(monkeypatch: pytest.MonkeyPatch):
    async def fail() -> None:
        raise OSError("no port left")

    monkeypatch.setattr(module, "start_demo", fail)
    with pytest.raises(OSError, match="no port left"), DemoThread():
        pytest.fail("it runs")


def test_an_error_after_the_start_is_not_told_twice(monkeypatch: pytest.MonkeyPatch):
    """The URL is known by then; the gate goes on and answers 502."""
    demo = DemoThread()

    async def serve() -> None:
        demo._url.set_result("http://127.0.0.1:9")
        raise OSError("gone")

    monkeypatch.setattr(demo, "_serve", serve)
    demo._thread.start()
    demo._thread.join()
    assert demo.url == "http://127.0.0.1:9"
