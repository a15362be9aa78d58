"""Files from a folder, without any app: with curl, as people download."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head, require, running_gate
from tests.pki import client, trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

LOG_FORMAT = "$request $status $body_bytes_sent $proxy_host $error"
BIG = os.urandom(3 << 20)
ROUTES = [
    {"path": "/", "static": "public"},
    {"path": "/files/", "static": "public", "access": "public"},
]


def fill(folder: Path) -> Path:
    """Make the folder that is served."""
    public = folder / "public"
    (public / "sub").mkdir(parents=True)
    (public / "index.html").write_text("<h1>home</h1>")
    (public / "sub" / "a.txt").write_text("0123456789")
    (public / "big").write_bytes(BIG)
    return public


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the gate's files."""
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def files(folder: Path) -> Iterator[Gate]:
    """A gate with nothing behind it but a folder."""
    fill(folder)
    client("good").write(folder, "client")
    (folder / "web.pem").write_bytes(trust().web.pem)
    with running_gate(folder, None, routes=ROUTES) as running:  # type: ignore[arg-type]
        yield running


@pytest.fixture
def curl(files: Gate, folder: Path, tmp_path: Path) -> Curl:
    return Curl(files, folder, tmp_path)


class Curl:
    """Runs curl with a good certificate."""

    def __init__(self, gate: Gate, folder: Path, work: Path) -> None:
        self._program = require("curl")
        self._gate, self._folder, self.work = gate, folder, work

    def __call__(self, path: str, *arguments: str) -> tuple[int, bytes]:
        """Return the last status code and what came."""
        done = subprocess.run(
            [
                *(self._program, "--silent", "--show-error", "--cacert", self._folder / "web.pem"),
                *("--cert", self._folder / "client.crt", "--key", self._folder / "client.key"),
                *("--write-out", "%{stderr}%{http_code}", *arguments, self._gate.url(path)),
            ],
            capture_output=True,
            check=True,
            cwd=self.work,
            timeout=30,
        )
        return int(done.stderr[-3:]), done.stdout


def test_a_page_and_its_folder(curl: Curl):
    assert curl("/") == (200, b"<h1>home</h1>")
    assert curl("/index.html") == (200, b"<h1>home</h1>")
    assert curl("/files/sub/a.txt") == (200, b"0123456789")
    assert curl("/sub")[0] == 301
    assert curl("/sub/a.txt?x=y") == (200, b"0123456789")
    assert curl("/files?x", "--location") == (200, b"<h1>home</h1>")


def test_a_download_is_complete(curl: Curl):
    assert curl("/big") == (200, BIG)


def test_ranges(curl: Curl):
    assert curl("/sub/a.txt", "--range", "2-4") == (206, b"234")
    assert curl("/sub/a.txt", "--range", "-2") == (206, b"89")
    status, several = curl("/big", "--range", "0-9,1000-1009")
    assert status == 206
    assert BIG[:10] in several
    assert BIG[1000:1010] in several
    assert curl("/sub/a.txt", "--range", "10-20")[0] == 416


def test_a_download_is_resumed(curl: Curl):
    (curl.work / "half").write_bytes(BIG[: 1 << 20])
    assert curl("/big", "--continue-at", "-", "--output", "half")[0] == 206
    assert (curl.work / "half").read_bytes() == BIG


def test_what_is_not_newer_is_not_sent_again(curl: Curl):
    etags = ("--etag-save", "etag"), ("--etag-compare", "etag")
    assert curl("/sub/a.txt", *etags[0]) == (200, b"0123456789")
    assert curl("/sub/a.txt", *etags[1]) == (304, b"")
    assert curl("/sub/a.txt", "--remote-time", "--output", "copy")[0] == 200
    assert curl("/sub/a.txt", "--time-cond", "copy") == (304, b"")


def test_strangers_learn_nothing(files: Gate):
    """Not even what there is; but the open route is open."""
    for path in ("/sub/a.txt", "/none", "/sub", "/.env", "/../x"):
        with connect(files.port, "none") as connection:
            assert connection.get(path).status in (400, 403)
    with connect(files.port, "none") as connection:
        assert connection.get("/files/sub/a.txt").body == b"0123456789"


def test_the_log_tells_what_was_sent(start_gate: StartGate, tmp_path: Path):
    fill(tmp_path)
    gate = start_gate(
        None,  # type: ignore[arg-type]
        routes=ROUTES,
        access_log={
            "path": "log",
            "format": LOG_FORMAT,
        },
    )
    with connect(gate.port) as connection:
        connection.get("/sub/a.txt")
        connection.get("/sub/a.txt", "Range: bytes=0-1")
        connection.get("/none")
    assert gate.stop() == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[:2] == [
        "GET /sub/a.txt HTTP/1.1 200 10 - -",
        "GET /sub/a.txt HTTP/1.1 206 2 - -",
    ]
    assert lines[2].startswith("GET /none HTTP/1.1 404 ")
    assert lines[2].endswith(" - not_found")


def test_files_and_an_app_beside_each_other(start_gate: StartGate, tmp_path: Path):
    """The app is down; its files are not."""
    fill(tmp_path)
    gate = start_gate(routes=[{"path": "/"}, {"path": "/static/", "static": "public"}])
    with connect(gate.port) as connection:
        assert connection.get("/static/sub/a.txt").body == b"0123456789"
        assert connection.get("/").status == 502


def test_a_reload_leads_to_another_folder(start_gate: StartGate, tmp_path: Path):
    fill(tmp_path)
    gate = start_gate(None, routes=ROUTES)  # type: ignore[arg-type]
    with connect(gate.port) as connection:
        assert connection.get("/sub/a.txt").status == 200
        path = tmp_path / "gate.yaml"
        path.write_text(path.read_text().replace("static: public", "static: public/sub", 1))
        gate.reload()
        assert connection.get("/a.txt").status == 200
        assert connection.get("/sub/a.txt").status == 404


def test_a_slow_reader_of_a_big_file_costs_little_memory(start_gate: StartGate, tmp_path: Path):
    """1 GiB, of which nothing is stored; meanwhile the others are served at once."""
    public = fill(tmp_path)
    with (public / "huge").open("wb") as file:
        file.truncate(1 << 30)
    gate = start_gate(None, routes=ROUTES)  # type: ignore[arg-type]
    with connect(gate.port) as other:
        other.get()
        before = gate.memory()
        with connect(gate.port) as slow:
            slow.send(head("GET /huge HTTP/1.1", "Host: localhost"))
            assert slow.head().startswith(b"HTTP/1.1 200 ")
            for _ in range(20):
                assert len(slow.read(1 << 20)) == 1 << 20
                began = time.monotonic()
                assert other.get("/sub/a.txt").status == 200
                assert time.monotonic() - began < 5
            assert gate.memory() - before < 16 << 20
