"""The gate under test: a real certgate process, started, watched and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.gate.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
READY = (
    r"certgate: listening on "
    r"(?:https?://(?P<host>\[[^]]+\]|[^:/]+):(?P<port>\d+)/|(?P<path>unix:\S+))"
)
_LISTENING = "0A"  # the kernel's TCP_LISTEN
# What Python and asyncio print when an exception went past everybody.
_LOST_EXCEPTIONS = ("Traceback (most recent call last)", "was never retrieved", "was never awaited")


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without any certgate settings of the person who runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CERTGATE_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **(extra or {})}


def run(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
    timeout: float = 30,
) -> subprocess.CompletedProcess[str]:
    """Run one certgate command to its end and return its output; a traceback is a failure."""
    done = subprocess.run(
        [sys.executable, "-m", "proxy", *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=cwd,
        env=child_environment(env),
        input=stdin,
        text=True,
        timeout=timeout,
    )
    assert_no_lost_exception(done.stderr)
    return done


def assert_no_lost_exception(stderr: str) -> None:
    """Fail when a program printed a traceback or lost a task's exception."""
    for sign in _LOST_EXCEPTIONS:
        assert sign not in stderr, stderr


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener accepts; a Unix socket has ``unix:/path`` in the place of the host."""

    host: str
    port: int


class Gate:
    """One running ``certgate serve`` (or ``up``).

    Attributes:
        stdout: the lines of standard output.
        stderr: the lines of standard error.
        addresses: where it listens, in the order in which it said so.
    """

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        listeners: int = 1,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        launcher: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.process = subprocess.Popen(
            [*launcher, sys.executable, "-m", "proxy", *map(str, arguments)],
            cwd=cwd,
            env=child_environment(env),
            pass_fds=pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout
        assert self.process.stderr
        self.stdout = Output(self.process.stdout, "gate stdout")
        self.stderr = Output(self.process.stderr, "gate stderr")
        try:
            self.addresses = self._wait_until_ready(listeners)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, listeners: int) -> tuple[Address, ...]:
        found: list[Address] = []
        seen = 0
        while len(found) < listeners:
            match = self.stderr.wait_for(READY, after=seen)
            seen = self.stderr.lines.index(match.string, seen) + 1
            found.append(Address(match["host"] or match["path"], int(match["port"] or 0)))
        return tuple(found)

    @property
    def port(self) -> int:
        """The port of the first listener."""
        return self.addresses[0].port

    @property
    def pid(self) -> int:
        """The process that this object started."""
        return self.process.pid

    def url(self, path: str = "/", host: str = "localhost") -> str:
        """Return an https URL of the first listener."""
        return f"https://{host}:{self.port}{path}"

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def reload(self, *, expect: str = r"(?i)reloaded") -> str:
        """Send SIGHUP and return the line that tells how the reload went."""
        seen = len(self.stderr.lines)
        self.send_signal(signal.SIGHUP)
        return self.stderr.wait_for(expect, after=seen).string

    def wait(self, timeout: float = 20) -> int:
        """Wait for the process to end by itself and return its exit code."""
        code = self.process.wait(timeout)
        self.stdout.join()
        self.stderr.join()
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = 20) -> int:
        """Send a signal that ends the process and return its exit code."""
        if self.process.poll() is None:
            self.send_signal(number)
        return self.wait(timeout)

    def kill(self) -> None:
        """End the process whatever it is doing."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Stop the process if it still runs; fail unless it ended well and quietly."""
        if self.process.poll() is None:
            try:
                code = self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"did not stop on SIGTERM:\n{self.stderr.text}") from None
            assert code == 0, f"exit code {code} after SIGTERM:\n{self.stderr.text}"
        assert_no_lost_exception(self.stderr.text)

    def open_files(self) -> int:
        """Return how many files and sockets the process has open."""
        return len(_open_files(self.pid))

    def clients(self) -> int:
        """Return how many connections of clients the process has open, in whatever state."""
        own = set(_open_files(self.pid))
        lines = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        sockets = (line.split() for line in lines)  # proc(5): 1 local address, 3 state, 9 inode
        port = f":{self.port:04X}"
        return sum(
            fields[1].endswith(port) and fields[3] != _LISTENING and f"socket:[{fields[9]}]" in own
            for fields in sockets
        )

    def memory(self) -> int:
        """Return the resident set of the process and its children, in bytes."""
        return sum(_resident(pid) for pid in (self.pid, *children(self.pid)))


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found.extend(map(int, (task / "children").read_text().split()))
    return found


def _open_files(pid: int) -> list[str]:
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in the meantime
            found.append(str(entry.readlink()))
    return found


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
