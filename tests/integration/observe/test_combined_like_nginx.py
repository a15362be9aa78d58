"""The combined format is nginx's, byte for byte: the same requests go to a real nginx."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.observe.access_format import format_combined
from proxy.observe.access_record import AccessRecord
from tests.gate.tools import require

CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 32; }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{ listen unix:{folder}/socket; return 200 "ok"; }}
}}
"""

REQUESTS = {
    "ordinary": (b"/items?page=2", b"https://example.com/", b"curl/8.5.0"),
    "without fields": (b"/", None, None),
    "empty field": (b"/", b"", b""),
    "quotes and backslashes": (b'/"\\', b'a"b\\c', b'"'),
    "high bytes": (b"/\xc3\xbc", b"\xff\x80", "Grüße".encode()),
    "tab and DEL": (b"/", b"a\tb\x7f", b"\x01\x1f"),
    "all of printable ASCII": (b"/", bytes(range(0x21, 0x7F)), b"a  b"),
}


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run an nginx that logs in its combined format; returns its folder."""
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder))
    process = subprocess.Popen(
        [require("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(folder / "socket", process)
        yield folder
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert process.poll() is None, "nginx did not start"
        assert time.monotonic() < deadline, "nginx did not open its socket"
        time.sleep(0.01)


def _head(target: bytes, referer: bytes | None, agent: bytes | None) -> bytes:
    lines = [b"GET %b HTTP/1.1" % target, b"Host: x", b"Connection: close"]
    lines += [b"Referer: " + referer] if referer is not None else []
    lines += [b"User-Agent: " + agent] if agent is not None else []
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _ask(folder: Path, head: bytes) -> bytes:
    """Send a request and return the line that nginx logged."""
    log = folder / "access.log"
    before = log.stat().st_size
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(folder / "socket"))
        client.sendall(head)
        while client.recv(65_536):
            pass
    deadline = time.monotonic() + 10
    while log.stat().st_size == before:
        assert time.monotonic() < deadline, "nginx logged nothing"
        time.sleep(0.01)
    return log.read_bytes()[before:]


def _without_time(line: bytes) -> tuple[bytes, bytes]:
    start, rest = line.split(b"[", 1)
    return start, rest.split(b"]", 1)[1]


@pytest.mark.parametrize("name", REQUESTS)
def test_the_same_request_gives_the_same_line(nginx: Path, name: str):
    target, referer, agent = REQUESTS[name]
    theirs = _ask(nginx, _head(target, referer, agent))
    record = AccessRecord("unix:")
    record.method, record.target, record.version = b"GET", target, b"1.1"
    record.referer, record.user_agent = referer, agent
    record.status, record.body_bytes_sent = 200, 2
    ours = format_combined(record).removesuffix(b' "-" -\n') + b"\n"
    assert _without_time(ours) == _without_time(theirs)


def test_a_request_that_makes_no_sense_gives_the_same_line(nginx: Path):
    garbage = b'\x16\x03\x01\x02\x00"\\'
    theirs = _ask(nginx, garbage + b"\r\n\r\n")
    record = AccessRecord("unix:")
    record.request_line, record.status, record.body_bytes_sent = garbage, 400, 157
    ours = format_combined(record).removesuffix(b' "-" -\n') + b"\n"
    assert _without_time(ours) == _without_time(theirs)
