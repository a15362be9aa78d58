"""The access log's file: buffered, rotated, and harmless when it cannot be written."""

import errno
import os
import socket
import sys
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from proxy.errors import CertgateError
from proxy.observe.access_log import (
    FLUSH_BYTES,
    MAX_BUFFER_BYTES,
    AccessLog,
    FileAccessLog,
    NoAccessLog,
    open_access_log,
)
from proxy.observe.access_record import AccessRecord


def target_line(record: AccessRecord) -> bytes:
    """Format a record as its target alone."""
    return record.target + b"\n"


def record(target: bytes) -> AccessRecord:
    """Return a record with a target."""
    made = AccessRecord("192.0.2.7")
    made.target = target
    return made


@pytest.fixture
def warnings():
    """What was logged meanwhile."""
    with structlog.testing.capture_logs() as events:
        yield events


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch):
    """A pipe whose writing end is stdout, as in a container."""
    reader, writer = os.pipe()
    monkeypatch.setattr("proxy.observe.access_log.os.dup", lambda _: writer)
    log = open_access_log("-", target_line)
    yield reader, log
    os.close(reader)
    log.close()


def test_lines_stay_in_memory_until_a_flush(tmp_path: Path):
    path = tmp_path / "access.log"
    log = open_access_log(str(path), target_line)
    log.write(record(b"/one"))
    assert path.read_bytes() == b""
    log.flush()
    assert path.read_bytes() == b"/one\n"
    log.close()


def test_a_full_buffer_is_flushed_at_once(tmp_path: Path):
    path = tmp_path / "access.log"
    log = open_access_log(str(path), target_line)
    log.write(record(b"x" * FLUSH_BYTES))
    assert path.stat().st_size == FLUSH_BYTES + 1
    log.close()


def test_closing_flushes_and_an_existing_file_is_appended_to(tmp_path: Path):
    path = tmp_path / "access.log"
    path.write_bytes(b"/old\n")
    log = open_access_log(str(path), target_line)
    log.write(record(b"/new"))
    log.close()
    assert path.read_bytes() == b"/old\n/new\n"


def test_a_new_file_is_not_readable_by_everybody(tmp_path: Path):
    path = tmp_path / "access.log"
    open_access_log(str(path), target_line).close()
    assert path.stat().st_mode & 0o777 & ~0o640 == 0


def test_reopening_follows_a_rotation_without_losing_a_line(tmp_path: Path):
    path, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    log = open_access_log(str(path), target_line)
    log.write(record(b"/before"))
    path.rename(rotated)
    log.reopen()
    log.write(record(b"/after"))
    log.close()
    assert (rotated.read_bytes(), path.read_bytes()) == (b"/before\n", b"/after\n")


def test_a_failed_reopening_keeps_the_old_file_and_says_so(
    tmp_path: Path, warnings: list[EventDict]
):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = open_access_log(str(folder / "access.log"), target_line)
    folder.rename(tmp_path / "gone")
    log.reopen()
    log.write(record(b"/still"))
    log.close()
    assert (tmp_path / "gone" / "access.log").read_bytes() == b"/still\n"
    assert [event["event"] for event in warnings] == ["access log not reopened"]


def test_a_file_that_cannot_be_opened_is_an_error_at_start(tmp_path: Path):
    with pytest.raises(CertgateError, match=r"access log .*nowhere.*: cannot be opened: No such"):
        open_access_log(str(tmp_path / "nowhere" / "access.log"), target_line)


def test_a_closed_stdout_is_an_error_at_start(monkeypatch: pytest.MonkeyPatch):
    """Descriptor 1 may by then be a client's socket."""
    monkeypatch.setattr(sys, "__stdout__", None)
    with pytest.raises(CertgateError, match="stdout is closed; name a file, or off"):
        open_access_log("-", target_line)


def test_a_full_disk_costs_neither_requests_nor_memory(warnings: list[EventDict]):
    log = open_access_log("/dev/full", target_line)
    line = b"x" * 999
    for _ in range(3 * MAX_BUFFER_BYTES // 1000):
        log.write(record(line))
    log.flush()
    assert log.dropped > MAX_BUFFER_BYTES // 1000
    assert [event["event"] for event in warnings] == ["access log not written"]
    log.close()


def test_after_a_full_disk_the_log_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warnings: list[EventDict]
):
    """No line is torn, although the first write was cut short in the middle of one."""
    path = tmp_path / "access.log"
    log = open_access_log(str(path), target_line)
    room = [7]
    really_write = os.write

    def write(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = really_write(fd, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr("proxy.observe.access_log.os.write", write)
    log.write(record(b"/first"))
    log.write(record(b"/second"))
    log.flush()
    log.flush()
    room[0] = 1_000
    log.flush()
    log.close()
    assert path.read_bytes() == b"/first\n/second\n"
    assert [event["event"] for event in warnings] == [
        "access log not written",
        "access log written again",
    ]


@pytest.fixture(params=["without waiting", "asking first"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write as on Linux 6.4 and newer, and as on older ones."""

    def unsupported(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if request.param == "asking first":
        monkeypatch.setattr("proxy.observe.access_log.os.pwritev", unsupported)


@pytest.mark.usefixtures("either_way")
def test_a_reader_of_stdout_that_sleeps_does_not_stop_the_proxy(
    pipe: tuple[int, AccessLog], warnings: list[EventDict]
):
    reader, log = pipe
    lines = [b"%06d%s" % (number, b"x" * 993) for number in range(200)]
    for line in lines:
        log.write(record(line))
    log.flush()
    assert warnings[0]["reason"] == "the reader is too slow"
    received = bytearray()
    while len(received) < 200_000:
        received += os.read(reader, 65_536)
        log.flush()
    assert received.split() == lines
    assert log.dropped == 0
    assert warnings[-1]["event"] == "access log written again"


@pytest.mark.usefixtures("either_way")
def test_a_line_longer_than_a_pipe_takes_at_once_arrives_whole(pipe: tuple[int, AccessLog]):
    reader, log = pipe
    log.write(record(b"x" * 20_000))
    log.flush()
    assert os.read(reader, 65_536) == b"x" * 20_000 + b"\n"


@pytest.mark.usefixtures("either_way")
def test_a_reader_of_stdout_that_goes_away_is_survived(
    monkeypatch: pytest.MonkeyPatch, warnings: list[EventDict]
):
    reader, writer = os.pipe()
    monkeypatch.setattr("proxy.observe.access_log.os.dup", lambda _: writer)
    log = open_access_log("-", target_line)
    os.close(reader)
    log.write(record(b"/lost"))
    log.flush()
    log.close()
    assert [event["reason"] for event in warnings] == ["Broken pipe"]


def test_a_socket_as_stdout_is_written_without_waiting_too(
    monkeypatch: pytest.MonkeyPatch, warnings: list[EventDict]
):
    """As under systemd, whose journal is a stream socket."""
    ours, theirs = socket.socketpair()
    monkeypatch.setattr("proxy.observe.access_log.os.dup", lambda _: ours.detach())
    log = open_access_log("-", target_line)
    for _ in range(900):
        log.write(record(b"x" * 999))
    log.flush()
    assert [event["reason"] for event in warnings] == ["the reader is too slow"]
    with theirs:
        assert theirs.recv(1_000) == b"x" * 999 + b"\n"
    log.close()


def test_reopening_stdout_keeps_it(pipe: tuple[int, AccessLog]):
    reader, log = pipe
    log.flush()
    log.write(record(b"/one"))
    log.flush()
    assert os.read(reader, 100) == b"/one\n"


def test_stdout_is_written_through_a_descriptor_of_its_own(capfd: pytest.CaptureFixture[str]):
    log = open_access_log("-", target_line)
    assert isinstance(log, FileAccessLog)
    log.write(record(b"/shown"))
    log.reopen()
    log.write(record(b"/too"))
    log.close()
    os.fstat(1)
    assert capfd.readouterr().out == "/shown\n/too\n"


def test_off_takes_everything_and_does_nothing():
    log = open_access_log("off", target_line)
    assert isinstance(log, NoAccessLog)
    log.write(record(b"/"))
    log.flush()
    log.reopen()
    log.close()
    assert log.dropped == 0
