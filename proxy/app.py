"""The process: it owns the current snapshot, the listeners and the signals."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from proxy.errors import CertgateError, ConfigError
from proxy.observe.access_format import parse_access_format
from proxy.observe.access_log import open_access_log
from proxy.observe.counters import Counters
from proxy.pid_file import PidFile
from proxy.server.crl_report import report_lists
from proxy.server.crl_watch import watch_crls
from proxy.server.drain import drain
from proxy.server.inherited import InheritedSockets
from proxy.server.listeners import Listeners
from proxy.server.state import ServerState
from proxy.server.sweeper import Sweeper

if TYPE_CHECKING:
    from proxy.config.model import Config
    from proxy.observe.access_log import AccessLog
    from proxy.snapshot import Snapshot

_log = structlog.stdlib.get_logger()

# What accept() fails with when the process or the machine is full; it passes.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Build = Callable[["Snapshot | None"], "Snapshot"]
"""Reads the configuration anew and compiles it; the argument is the snapshot to be replaced."""


def serve(build: Build, ready: Callable[[list[str]], None]) -> None:
    """Run the proxy until it is told to stop.

    Args:
        build: makes the first snapshot, and one more at each reload.
        ready: called once with the URLs, when connections are accepted.

    Raises:
        CertgateError: it cannot start.
    """
    snapshot = build(None)
    _raise_descriptor_limit()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_Process(build, ready).run(snapshot))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 -- asyncio's own loop works too, at half the speed
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _raise_descriptor_limit() -> None:
    """A connection and its upstream are two descriptors; the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Process:
    """One run, from the first listener to the last connection."""

    def __init__(self, build: Build, ready: Callable[[list[str]], None]) -> None:
        self._build = build
        self._ready = ready
        self._stop = asyncio.Event()
        inherited = InheritedSockets.from_environment(os.environ, os.getpid())
        self._listeners = Listeners(inherited)
        self._reloads: asyncio.Task[None] | None = None
        self._is_reload_due = False

    async def run(self, snapshot: Snapshot) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_LoopErrors())
        state = ServerState(loop, snapshot, _open_access_log(snapshot.config), Counters())
        state.pools.adopt(snapshot.upstreams, snapshot.limits)
        sweeper = Sweeper(state, (state.connections, state.pools.live), (state.flush_access_log,))
        watcher = loop.create_task(watch_crls(state))
        try:
            await self._listeners.open(state, snapshot.config)
            for name in self._listeners.end_of_start():
                _log.warning("systemd has passed a socket that no listener takes", name=name)
            report_lists(snapshot, state.wall())
            self._handle_signals(loop, state)
            _freeze_garbage()
            pid_file = snapshot.config.pid_file
            with PidFile(pid_file) if pid_file is not None else contextlib.nullcontext():
                self._ready(self._listeners.urls)
                await self._stop.wait()
                _log.info("stopping", connections=len(state.connections))
                seconds = state.snapshot.timeouts.shutdown
                cut = await drain(state, self._listeners, seconds)
                _log.info("stopped", cut=cut)
        finally:
            watcher.cancel()
            sweeper.stop()
            state.access_log.close()

    def _handle_signals(self, loop: asyncio.AbstractEventLoop, state: ServerState) -> None:
        # Set explicitly: as PID 1 of a container the kernel's defaults for these do nothing.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload, state)
        loop.add_signal_handler(signal.SIGUSR1, lambda: state.access_log.reopen())  # noqa: PLW0108

    def _begin_reload(self, state: ServerState) -> None:
        """Reload now, or once more after the reload under way: it may have read the old file."""
        if self._reloads is None or self._reloads.done():
            self._is_reload_due = True
            self._reloads = asyncio.get_running_loop().create_task(self._run_reloads(state))
        elif not self._is_reload_due:
            self._is_reload_due = True
            _log.info("reload asked for while one is under way; another one follows")

    async def _run_reloads(self, state: ServerState) -> None:
        while self._is_reload_due and not self._stop.is_set():
            self._is_reload_due = False
            await self._run_reload(state)

    async def _run_reload(self, state: ServerState) -> None:
        """Build everything new, then swap one reference; a failure before that changes nothing."""
        try:
            snapshot = await self._build_next(state)
            if self._stop.is_set():
                return  # its listeners are closed: none may open again
            access_log = _changed_access_log(state.snapshot.config, snapshot.config)
            try:
                await self._listeners.open(state, snapshot.config)
            except CertgateError:
                if access_log is not None:
                    access_log.close()
                raise
        except CertgateError as error:
            problems = error.problems if isinstance(error, ConfigError) else (error,)
            for problem in problems:
                _log.error("reload refused, nothing has changed", problem=str(problem))
            return
        except Exception:  # noqa: BLE001 -- the proxy goes on as it is, and says so now
            _log.exception("an error of certgate itself, while reloading; nothing has changed")
            return
        state.pools.adopt(snapshot.upstreams, snapshot.limits)
        state.throttle.adopt(snapshot.visitors)
        if snapshot.config.pid_file != state.snapshot.config.pid_file:
            _log.warning("pid_file has changed: that takes a restart")
        state.snapshot = snapshot
        if access_log is not None:
            state.access_log.close()
            state.access_log = access_log
        self._listeners.settle(snapshot.config)
        report_lists(snapshot, state.wall())
        _log.info("reloaded")

    async def _build_next(self, state: ServerState) -> Snapshot:
        """Build on the snapshot in force, again if newer revocation lists came meanwhile."""
        while True:
            previous = state.snapshot
            snapshot = await asyncio.to_thread(self._build, previous)
            if state.snapshot is previous:
                return snapshot


def _open_access_log(config: Config) -> AccessLog:
    return open_access_log(
        str(config.access_log.path), parse_access_format(config.access_log.format)
    )


def _changed_access_log(old: Config, new: Config) -> AccessLog | None:
    return None if new.access_log == old.access_log else _open_access_log(new)


def _freeze_garbage() -> None:
    """Take what lives as long as the process out of the garbage collector's sight.

    Connections and exchanges leave no reference cycles when they end (a test holds that), so a
    collection finds the configuration again and nothing to free: it may come seldom, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class _LoopErrors:
    """Logs what a callback raised; the event loop has closed that connection (fails closed)."""

    def __init__(self) -> None:
        self._full_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, ConnectionError | TimeoutError):
            return  # a peer that went away while its socket was being closed
        message = str(context.get("message", "an error of certgate itself"))
        if isinstance(error, OSError) and error.errno in _EXHAUSTED:
            self._tell_exhausted(loop.time(), message, error)
        elif isinstance(error, BaseException):
            _log.error(message, exc_info=error)
        else:
            _log.error(message)

    def _tell_exhausted(self, now: float, message: str, error: OSError) -> None:
        """Say it once a second: asyncio tries each waiting client, 4096 times in a row."""
        if now >= self._full_until:
            self._full_until = now + 1
            _log.error(message, reason=error.strerror)


def announce(urls: list[str]) -> None:
    """Print where the proxy listens; tests and people wait for these lines."""
    for url in urls:
        print(f"certgate: listening on {url}", file=sys.stderr, flush=True)  # noqa: T201
