"""The process, run inside the test: start, reload, log rotation, stop, on both event loops."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import resource
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
import uvloop
from structlog.testing import capture_logs

from proxy import app
from proxy.config.load import load_config
from proxy.errors import CertgateError
from proxy.snapshot import Snapshot, build_snapshot
from tests.gate import connect, free_port, revoke, settings, write
from tests.pki import client, crl_pem, impostor, stranger
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from pathlib import Path

    Log = MutableMapping[str, Any]

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Undo what a process does to itself."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    gc.unfreeze()


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on each kind of loop."""
    monkeypatch.setattr(app, "_loop_factory", lambda: LOOPS[request.param])


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


class Gate:
    """One run of ``app.serve``, on the main thread; the test's script runs beside it."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        self.path = write(folder, settings(folder, **changes))
        self.logs: list[Log] = []
        self.failures: list[BaseException] = []
        self.port = 0

    def build(self, previous: Snapshot | None) -> Snapshot:
        return build_snapshot(load_config(self.path, {}), previous)

    def serve(self, script: Callable[[], None]) -> None:
        """Run until the script is over."""

        def run() -> None:
            try:
                script()
            except BaseException as error:  # noqa: BLE001 -- shown below
                self.failures.append(error)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        def ready(urls: list[str]) -> None:
            self.port = int(urls[0].rsplit(":", 1)[1].strip("/"))
            thread.start()

        thread = threading.Thread(target=run)
        with capture_logs() as self.logs:
            app.serve(self.build, ready)
        thread.join()
        if self.failures:
            raise self.failures[0]

    def rewrite(self, **changes: Any) -> None:
        write(self.folder, settings(self.folder, **changes))

    def reload(self, event: str = "reloaded") -> Log:
        """Send SIGHUP and wait for what is logged about it."""
        seen = len(self.logs)
        os.kill(os.getpid(), signal.SIGHUP)
        return self.wait_for(event, seen)

    def wait_for(self, event: str, after: int = 0) -> Log:
        for _ in range(2000):
            for log in self.logs[after:]:
                if log["event"].startswith(event):
                    return log
            threading.Event().wait(0.005)
        raise AssertionError(f"{event!r} was not logged: {self.logs}")


@pytest.mark.usefixtures("loop")
def test_it_serves_until_it_is_told_to_stop(
    tmp_path: Path, upstream: Recorder, capfd: pytest.CaptureFixture[str]
):
    gate = Gate(tmp_path, upstream=upstream.url, pid_file="pid", access_log={"path": "log"})

    def script() -> None:
        with connect(gate.port) as good, connect(gate.port, "expired") as bad:
            assert good.get().status == 200
            assert bad.get().status == 403
            assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"

    gate.serve(script)
    assert not (tmp_path / "pid").exists()
    assert len((tmp_path / "log").read_text().splitlines()) == 2
    assert [log["event"] for log in gate.logs][-2:] == ["stopping", "stopped"]
    assert gate.logs[-1]["cut"] == 0
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("loop")
def test_a_reload_counts_on_open_connections(tmp_path: Path, upstream: Recorder):
    gate = Gate(tmp_path, upstream=upstream.url)

    def script() -> None:
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            (tmp_path / "other.crt").write_bytes(stranger().pem)
            gate.rewrite(upstream=upstream.url, client_auth={"ca": "other.crt"})
            gate.reload()
            assert connection.get().status == 403

    gate.serve(script)


@pytest.mark.usefixtures("loop")
def test_a_reload_opens_and_closes_listeners_and_logs(tmp_path: Path, upstream: Recorder):
    old, new = free_port(), free_port()
    common = {"upstream": upstream.url, "pid_file": "pid"}
    gate = Gate(tmp_path, listen=f"127.0.0.1:{old}", access_log={"path": "log"}, **common)

    def script() -> None:
        with connect(old) as connection:
            assert connection.get().status == 200
            gate.rewrite(
                listen=f"127.0.0.1:{new}",
                upstream=upstream.url,
                pid_file="other",
                access_log={"path": "log2"},
            )
            gate.reload()
            gate.wait_for("pid_file has changed")
            assert connection.get().status == 200
        with connect(new) as connection:
            assert connection.get().status == 200
        with pytest.raises(OSError):
            connect(old)

    gate.serve(script)
    assert len((tmp_path / "log").read_text().splitlines()) == 1
    assert len((tmp_path / "log2").read_text().splitlines()) == 2


def test_a_reload_that_cannot_be_is_told_and_changes_nothing(tmp_path: Path, upstream: Recorder):
    gate = Gate(tmp_path, upstream=upstream.url)
    refused = "reload refused, nothing has changed"

    def script() -> None:
        with connect(gate.port) as connection:
            gate.path.write_text("lisen: 1\nupstreem: 2\n")
            gate.reload(refused)
            gate.rewrite(
                upstream=upstream.url,
                listen=["127.0.0.1:0", f"127.0.0.1:{free_port()}", f"127.0.0.1:{upstream.port}"],
                access_log={"path": "other"},
            )
            assert "in use" in gate.reload(refused)["problem"]
            gate.rewrite(upstream=upstream.url, listen=f"127.0.0.1:{upstream.port}")
            assert "in use" in gate.reload(refused)["problem"]
            (tmp_path / "loop").symlink_to("loop")
            gate.rewrite(upstream=upstream.url, access_log={"path": "loop"})
            assert "access log" in gate.reload(refused)["problem"]
            assert connection.get().status == 200

    gate.serve(script)
    assert len([log for log in gate.logs if log["event"] == refused]) >= 4


def test_an_error_of_our_own_in_a_reload_is_told_at_once(tmp_path: Path, upstream: Recorder):
    gate = Gate(tmp_path, upstream=upstream.url)
    build = gate.build

    def fail(previous: Snapshot | None) -> Snapshot:
        if previous is not None:
            raise RuntimeError("surprise")
        return build(previous)

    gate.build = fail  # type: ignore[method-assign]

    def script() -> None:
        gate.reload("an error of certgate itself, while reloading")
        with connect(gate.port) as connection:
            assert connection.get().status == 200

    gate.serve(script)


def test_a_revocation_during_a_reload_is_not_lost(tmp_path: Path, upstream: Recorder):
    """The reload read the old list; the new one came into force before the reload did."""
    gate = Gate(tmp_path, upstream=upstream.url)
    build, in_build, go_on = gate.build, threading.Event(), threading.Event()

    def slowly(previous: Snapshot | None) -> Snapshot:
        snapshot = build(previous)
        if previous is not None and not in_build.is_set():
            in_build.set()
            assert go_on.wait(10)
        return snapshot

    gate.build = slowly  # type: ignore[method-assign]

    def script() -> None:
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            seen = len(gate.logs)
            os.kill(os.getpid(), signal.SIGHUP)
            assert in_build.wait(10)
            revoke(tmp_path, client("good"))
            gate.wait_for("crl taken", seen)
            go_on.set()
            gate.wait_for("reloaded", seen)
            assert connection.get().status == 403

    gate.serve(script)


class Held:
    """A gate whose reloads wait until they are let go; counts them."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.gate = Gate(folder, **changes)
        self.in_build, self.go_on, self.builds = threading.Event(), threading.Event(), 0
        self._build = self.gate.build
        self.gate.build = self._slowly  # type: ignore[method-assign]

    def _slowly(self, previous: Snapshot | None) -> Snapshot:
        snapshot = self._build(previous)
        if previous is not None:
            self.builds += 1
            self.in_build.set()
            assert self.go_on.wait(10)
        return snapshot


@pytest.mark.usefixtures("loop")
def test_reloads_that_are_asked_for_during_a_reload_are_one_more(tmp_path: Path):
    """The file may have changed after it was read; nginx does as much."""
    held = Held(tmp_path)
    gate = held.gate

    def script() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        assert held.in_build.wait(10)
        gate.rewrite(client_auth={"ca": "ca.crt", "status": 401})  # too late for this reload
        os.kill(os.getpid(), signal.SIGHUP)
        gate.wait_for("reload asked for while one is under way; another one follows")
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
        with connect(gate.port, "none") as connection:
            assert connection.get().status == 403
        held.go_on.set()
        first = gate.wait_for("reloaded")
        gate.wait_for("reloaded", gate.logs.index(first) + 1)
        with connect(gate.port, "none") as connection:
            assert connection.get().status == 401

    gate.serve(script)
    events = [log["event"] for log in gate.logs]
    assert events.count("reloaded") == 2
    assert sum(event.startswith("reload asked for") for event in events) == 1


def test_a_reload_that_fails_does_not_keep_the_next_from_running(tmp_path: Path):
    held = Held(tmp_path)
    gate = held.gate

    def script() -> None:
        (tmp_path / "gate.yaml").write_text("listen: [\n")
        held.go_on.set()
        os.kill(os.getpid(), signal.SIGHUP)
        gate.wait_for("reload refused, nothing has changed")
        gate.rewrite()
        gate.reload()

    gate.serve(script)


def test_no_reload_begins_or_counts_once_the_gate_stops(tmp_path: Path, upstream: Recorder):
    """It would open listeners behind those that were closed."""
    held = Held(tmp_path, upstream=upstream.url, timeouts={"shutdown": 1})
    gate = held.gate

    def script() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        assert held.in_build.wait(10)
        os.kill(os.getpid(), signal.SIGHUP)
        gate.wait_for("reload asked for while one is under way")
        with connect(gate.port) as connection:
            connection.send(b"GET / HTTP/1.1\r\n")  # keeps the gate from ending at once
            os.kill(os.getpid(), signal.SIGTERM)
            gate.wait_for("stopping")
            held.go_on.set()
            gate.wait_for("stopped")

    gate.serve(script)
    assert held.builds == 1
    assert "reloaded" not in [log["event"] for log in gate.logs]


def test_the_access_log_is_opened_anew_on_sigusr1(tmp_path: Path, upstream: Recorder):
    gate = Gate(tmp_path, upstream=upstream.url, access_log={"path": "log"})

    def script() -> None:
        (tmp_path / "log").rename(tmp_path / "log.1")
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(2000):
            if (tmp_path / "log").exists():
                return
            threading.Event().wait(0.005)
        raise AssertionError("the log was not opened anew")

    gate.serve(script)


def test_a_list_that_does_not_count_is_told_at_the_start(tmp_path: Path):
    gate = Gate(tmp_path)
    (tmp_path / "crl.pem").write_bytes(crl_pem(impostor().crl()))
    gate.serve(lambda: None)
    assert gate.logs[0]["event"] == "crl not usable"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"listen": "192.0.2.1:443"}, "does not have that address"),
        ({"pid_file": "no/folder/pid"}, "pid_file"),
        ({"access_log": {"path": "loop"}}, "access log"),
    ],
)
def test_what_keeps_it_from_starting_is_one_error(
    tmp_path: Path, changes: dict[str, Any], reason: str
):
    (tmp_path / "loop").symlink_to("loop")
    gate = Gate(tmp_path, **changes)
    with pytest.raises(CertgateError, match=reason):
        app.serve(gate.build, lambda _: pytest.fail("it started"))


def test_uvloop_is_used_where_it_is_there(monkeypatch: pytest.MonkeyPatch):
    assert app._loop_factory() is uvloop.new_event_loop
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert app._loop_factory() is asyncio.new_event_loop


def test_the_descriptor_limit_is_raised_as_far_as_it_goes():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    for _ in range(2):
        app._raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.parametrize(
    ("context", "events"),
    [
        ({"message": "lost", "exception": ConnectionResetError()}, []),
        ({"message": "late", "exception": TimeoutError()}, []),
        ({"message": "broken", "exception": RuntimeError()}, ["broken"]),
        ({"message": "odd"}, ["odd"]),
        ({}, ["an error of certgate itself"]),
    ],
)
def test_what_a_callback_raised_is_told_unless_a_peer_just_left(
    context: dict[str, object], events: list[str]
):
    with capture_logs() as logs, asyncio.Runner() as runner:
        app._LoopErrors()(runner.get_loop(), context)
    assert [log["event"] for log in logs] == events


def test_a_process_without_descriptors_says_so_once_a_second():
    """asyncio's accept tells it thousands of times: a stranger must not fill the disk with it."""
    context = {"message": "full", "exception": OSError(errno.EMFILE, "Too many open files")}
    with capture_logs() as logs, asyncio.Runner() as runner:
        errors, loop = app._LoopErrors(), Mock(runner.get_loop())
        for loop.time.return_value in (10.0, 10.1, 10.9, 11.0):
            errors(loop, context)
    line = {"event": "full", "reason": "Too many open files", "log_level": "error"}
    assert logs == [line, line]


def test_addresses_are_announced_one_a_line(capsys: pytest.CaptureFixture[str]):
    app.announce(["https://a/", "https://b/"])
    assert capsys.readouterr().err == (
        "certgate: listening on https://a/\ncertgate: listening on https://b/\n"
    )
