"""The processes of the bench: two proxies, one app, one sink. All listen on 127.0.0.1."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, cast

from bench.load import IDENTITY, BenchError
from tests.gate import Output, child_environment, free_port
from tests.gate.process import READY, children
from tests.pki import client, server, trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).parent
LARGE_FILE = 64 * 1024 * 1024
_SHUTDOWN_SECONDS = 40


class Server:
    """One running program with all its processes."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        ready: str,
        *,
        port: int = 0,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
        )
        self.output = Output(cast("IO[bytes]", self.process.stdout), name)
        try:
            match = self.output.wait_for(ready)
        except AssertionError as error:
            self.close()
            raise BenchError(f"{name} does not start: {error}") from None
        self.port = port or int(match["port"])

    @property
    def pids(self) -> list[int]:
        """The process and its workers."""
        return [self.process.pid, *children(self.process.pid)]

    def cpu(self) -> float:
        """Return the CPU seconds, user and system, that all its processes have used."""
        return sum(_cpu_seconds(pid) for pid in self.pids)

    def memory(self) -> int:
        """Return the resident bytes of all its processes."""
        return sum(_resident_bytes(pid) for pid in self.pids)

    def close(self) -> None:
        """Ask it to end, and see that it does."""
        self.process.terminate()
        try:
            self.process.wait(_SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _cpu_seconds(pid: int) -> float:
    # Fields 14 and 15 of proc(5); the second field may contain spaces, so count from its end.
    # With schedstats in the kernel the same time is known to the nanosecond, not to 1/100 s.
    precise = Path(f"/proc/{pid}/schedstat")
    if precise.exists() and (nanoseconds := int(precise.read_text().split()[0])):
        return nanoseconds / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Servers:
    """Everything that runs during a bench, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[Server] = []
        self._nginx = _find_nginx()

    def __enter__(self) -> Self:
        _write_files(self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        for running in reversed(self._running):
            running.close()

    def _started(self, server: Server) -> Server:
        self._running.append(server)
        return server

    def start_all(self) -> list[Server]:
        """Start app and sink, then both proxies; return the proxies, nginx first.

        The proxies get a CPU of their own, where there are two: moved from one to another, both
        would pay for cold caches, and never the same.
        """
        *others, own = sorted(os.sched_getaffinity(0))
        if others:
            os.sched_setaffinity(0, others)  # the load's, the app's and the sink's: they inherit it
        app = self._start_nginx("upstream", {})
        sink = self._started(
            Server("sink", [sys.executable, "-m", "bench.sink"], r"listening on (?P<port>\d+)")
        )
        ports = {"app": str(app.port), "sink": str(sink.port)}
        proxies = [self._start_nginx("nginx", ports), self._start_certgate(ports)]
        for pid in chain.from_iterable(proxy.pids for proxy in proxies):
            os.sched_setaffinity(pid, {own})
        return proxies

    def _start_nginx(self, name: str, values: Mapping[str, str]) -> Server:
        port = free_port()
        told = {**values, "port": str(port), "user": "user root;" if os.geteuid() == 0 else ""}
        path = self._render(f"{name}.conf", {**told, "temporary_files": self._temporary_files()})
        command = [self._nginx, "-p", str(self._folder), "-c", str(path), "-e", "stderr"]
        return self._started(Server(name, command, r"start worker process \d", port=port))

    def _start_certgate(self, values: Mapping[str, str]) -> Server:
        path = self._render("certgate.yaml", values)
        command = [sys.executable, "-m", "proxy", "serve", "-c", str(path)]
        return self._started(Server("certgate", command, READY, env=child_environment()))

    def _temporary_files(self) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return " ".join(f"{kind}_temp_path {self._folder}/{kind};" for kind in kinds)

    def _render(self, name: str, values: Mapping[str, str]) -> Path:
        """Fill in ``${name}``; nginx's own ``$variables`` have no braces and stay."""
        template = string.Template((HERE / name).read_text(encoding="utf-8"))
        known = {**values, "folder": str(self._folder)}
        text = re.sub(r"\$\{(\w+)\}", lambda match: known[match[1]], template.template)
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return path


def _find_nginx() -> str:
    # Debian keeps it in /usr/sbin, which an ordinary user's PATH leaves out.
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        raise BenchError("nginx is not installed: sudo apt-get install nginx-light")
    return program


def _write_files(folder: Path) -> None:
    server().write(folder, "server")
    (folder / "ca.crt").write_bytes(trust().ca_pem)
    client("good").write(folder, IDENTITY)
    (folder / "files").mkdir()
    with (folder / "files" / "large").open("wb") as large:
        large.truncate(LARGE_FILE)
