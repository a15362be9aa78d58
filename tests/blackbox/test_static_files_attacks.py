"""Attacks on a folder: ways out of it, hidden things, races, and requests that cost too much."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head, running_gate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gate import Gate

SECRET = b"the-secret-of-the-machine"
# Depths beyond the folder's own, so that none is right by chance.
UPWARDS = (
    "..",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "..;",
    "..%3b",
    "..%00",
    "..%09",
    "%252e%252e",
    "..%c0%af",
    "%c0%ae%c0%ae",
    "%uff0e%uff0e",
    "..\\",
    "..%5c",
    "...",
    "....",
)
SEPARATORS = ("/", "//", "%2f", "%2F", "%5c", "\\", "%252f", "%c0%af", "/./", ";/", "%00/")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with secrets around the one that is served, and traps in that."""
    made = tmp_path_factory.mktemp("gate")
    public = made / "public"
    (public / "sub").mkdir(parents=True)
    (public / "a.txt").write_text("a")
    (made / "secret").write_bytes(SECRET)
    (public / ".env").write_bytes(SECRET)
    (public / ".git").mkdir()
    (public / ".git" / "config").write_bytes(SECRET)
    (public / "out").symlink_to(made)
    (public / "out.txt").symlink_to("../secret")
    (public / "system").symlink_to("/")
    (public / "self").symlink_to("/proc/self/environ")
    os.mkfifo(public / "fifo")
    with (public / "big").open("wb") as file:
        file.truncate(1 << 30)
    return made


@pytest.fixture(scope="module")
def gate(folder: Path) -> Iterator[Gate]:
    """A gate that serves it at two places."""
    routes = [{"path": path, "static": "public"} for path in ("/", "/deep/er/")]
    with running_gate(folder, None, routes=routes) as running:  # type: ignore[arg-type]
        yield running


def get(gate: Gate, path: str, *lines: str) -> tuple[int, bytes]:
    with connect(gate.port) as connection:
        response = connection.get(path, *lines)
        return response.status, response.body


@pytest.mark.parametrize("prefix", ["/", "/deep/er/", "/sub/"])
@pytest.mark.parametrize("upwards", UPWARDS)
def test_no_way_of_writing_leads_upwards(gate: Gate, prefix: str, upwards: str):
    for separator in SEPARATORS:
        for depth in range(1, 5):
            path = prefix + (upwards + separator) * depth + "secret"
            status, body = get(gate, path)
            assert status in (400, 404), path
            assert SECRET not in body


@pytest.mark.parametrize(
    "path",
    [
        "/.env",
        "/%2eenv",
        "/%2Eenv",
        "/sub/../.env",
        "/.git/config",
        "/%2egit/config",
        "/.git",
        "/.git/",
        "/out/secret",
        "/out/public/.env",
        "/out/public/a.txt/../../secret",
        "/out",
        "/out/",
        "/out.txt",
        "/system/etc/passwd",
        "/system",
        "/self",
        "/fifo",
        "/fifo/",
        "/a.txt%00.html",
        "/a.txt/",
        "/a.txt/.",
        "/a.txt/x",
        "/etc/passwd",
        "//etc/passwd",
        "/" + "a" * 5000,
        "/" + "a/" * 5000,
        "/%2fetc%2fpasswd",
        "/sub%2f..%2f.env",
        "/~root/.bashrc",
        "/C:/secret",
        "/a.txt::$DATA",
    ],
)
def test_nothing_but_the_folders_own_files(gate: Gate, path: str):
    """A FIFO would hang the whole gate."""
    status, body = get(gate, path)
    assert status in (400, 404)
    assert SECRET not in body


def test_a_request_target_with_a_host_changes_nothing(gate: Gate):
    with connect(gate.port) as connection:
        connection.send(head("GET http://localhost//../secret HTTP/1.1", "Host: localhost"))
        assert connection.response().status in (400, 404)


def test_a_link_that_is_swapped_while_it_is_asked_for(gate: Gate, folder: Path):
    """Somebody who may write into the folder, and wants to read what only the gate may read."""
    public, done = folder / "public", Event()
    (folder / "prize").write_bytes(SECRET)
    (public / "prize").write_bytes(b"harmless")

    def swap() -> None:
        number = 0
        while not done.is_set():
            number += 1
            new = public / "sub" / f"new{number}"
            new.symlink_to(folder if number % 2 else public)
            with suppress(OSError):
                new.replace(public / "swapped")

    swapper = Thread(target=swap)
    swapper.start()
    try:
        with connect(gate.port) as connection:
            bodies = [connection.get("/swapped/prize") for _ in range(500)]
    finally:
        done.set()
        swapper.join()
    assert {response.status for response in bodies} <= {200, 404}
    assert {one.body for one in bodies if one.status == 200} <= {b"harmless"}


@pytest.mark.parametrize(
    "ranges",
    [
        ",".join(f"{place}-" for place in range(2000)),  # CVE-2011-3192
        ",".join("0-" for _ in range(90)),
        ",".join(f"{place * 100}-{place * 100 + 50}" for place in range(100)),
        "," * 20_000 + "0-1",
        "0-" + "9" * 20_000,
    ],
    ids=["2000 overlapping", "90 times everything", "100 far apart", "commas", "digits"],
)
def test_sets_of_ranges_cost_no_more_than_the_file(gate: Gate, ranges: str):
    with connect(gate.port) as connection:
        connection.get("/a.txt")
        before = gate.memory()
        connection.send(head("GET /big HTTP/1.1", "Host: localhost", f"Range: bytes={ranges}"))
        answer = connection.head().decode()
        length = int(answer.partition("Content-Length: ")[2].partition("\r\n")[0])
        assert answer.startswith(("HTTP/1.1 200 ", "HTTP/1.1 206 "))
        assert length <= (1 << 30) + 20_000
        assert gate.memory() - before < 16 << 20


def test_a_redirect_stays_on_this_host(gate: Gate, folder: Path):
    (folder / "public" / "evil.example").mkdir()
    for path in ("//evil.example", "/%2e//evil.example", "/x/..//evil.example", "///evil.example"):
        with connect(gate.port) as connection:
            response = connection.get(path)
        assert (response.status, response.header("Location")) == (301, "/evil.example/")
