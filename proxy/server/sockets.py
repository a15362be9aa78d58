"""Listening sockets, made from an address.

They are made here and not by the event loop: with port 0 IPv4 and IPv6 get the same one, a machine
without one of the two families still gets the other, and a Unix socket that is in use is not
replaced in silence.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxy.errors import CertgateError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from proxy.config.addresses import Address

    # As the socket module has it; the first of the values is the host, the second the port.
    SocketAddress = tuple[socket.AddressFamily, tuple[Any, ...]]

# asyncio's default of 100 made 2,000 simultaneous connects wait for SYN retransmissions, 46
# seconds in a trial. The kernel caps it at net.core.somaxconn (4096 since Linux 5.4).
BACKLOG = 4096

_REASONS = {
    errno.EADDRINUSE: "the port is in use by another program; stop it or choose another port",
    errno.EACCES: "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EAFNOSUPPORT: "this machine does not have that kind of address",
    socket.EAI_NONAME: "the name does not resolve; correct it, or write an address of this machine",
}
# What a machine without IPv6 says, or one without IPv4.
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_EVERY_ADDRESS: tuple[tuple[socket.AddressFamily, str], ...] = (
    (socket.AF_INET, "0.0.0.0"),  # noqa: S104 -- it is what was asked for
    (socket.AF_INET6, "::"),
)
# A port that is free for IPv4 may be in use for IPv6; another one is drawn then.
_DRAWS = 16
# Owner and group: whoever may connect could pass for a trusted proxy (``unix:``), so that others
# of this machine are kept out, and a front proxy is let in by a group. nginx makes it 0666.
_MASK = 0o777 & ~0o660


async def open_address(address: Address, loop: asyncio.AbstractEventLoop) -> list[socket.socket]:
    """Return listening sockets, one for each family that the address has here.

    Raises:
        CertgateError: there is none.
    """
    try:
        if address.host:
            found = await loop.getaddrinfo(
                address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            wanted: list[SocketAddress] = [(family, where) for family, *_, where in found]
        else:
            wanted = [(family, (host, address.port)) for family, host in _EVERY_ADDRESS]
        return _open_all(wanted)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        raise CertgateError(f"cannot listen on {address}: {reason}") from error


def _open_all(wanted: Sequence[SocketAddress]) -> list[socket.socket]:
    for _ in range(_DRAWS - 1):
        try:
            return _open_each(wanted)
        except OSError as error:
            drawn = error.errno == errno.EADDRINUSE and wanted[0][1][1] == 0
            if not drawn:
                raise
    return _open_each(wanted)


def _open_each(wanted: Sequence[SocketAddress]) -> list[socket.socket]:
    opened: list[socket.socket] = []
    missing: OSError | None = None
    with contextlib.ExitStack() as undo:
        for family, where in wanted:
            try:
                sock = _open(family, where, opened)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
            else:
                opened.append(undo.enter_context(sock))
        if missing is not None and not opened:
            raise missing
        undo.pop_all()
    return opened


def _open(
    family: socket.AddressFamily, where: tuple[Any, ...], others: Sequence[socket.socket]
) -> socket.socket:
    host, port, *rest = where
    if not port and others:
        port = others[0].getsockname()[1]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port, *rest))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


# --- Unix sockets ---------------------------------------------------------------------------------


class UnixSocketFile:
    """A Unix socket's name in the file system, removed when the socket is closed."""

    __slots__ = ("_identity", "_path", "sock")

    def __init__(self, path: Path, sock: socket.socket) -> None:
        self._path = path
        self._identity = _identity_of(path)
        self.sock = sock

    @classmethod
    def open(cls, text: str) -> UnixSocketFile:
        """Bind and listen, in the place of a socket that a dead process left.

        Raises:
            CertgateError: it cannot be had.
        """
        path = Path(text)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _remove_dead(path)
            _bind(sock, path)
            return cls(path, sock)
        except OSError as error:
            sock.close()
            reason = _UNIX_REASONS.get(error.errno or 0) or error.strerror or str(error)
            raise CertgateError(f"cannot listen on unix:{path}: {reason}") from error

    def remove(self) -> None:
        """Remove the name, unless it is another socket's by now.

        To be called before the socket is closed: until then no other file gets its inode's number.
        """
        with contextlib.suppress(OSError):
            if _identity_of(self._path) == self._identity:
                self._path.unlink()


_UNIX_REASONS = {
    errno.EADDRINUSE: "it is in use by another program; stop it or choose another path",
    errno.EACCES: "permission denied; the folder has to be writable for this user",
    errno.ENOENT: "there is no such folder",
    errno.ENOTSOCK: "there is a file that is not a socket",
}


def _bind(sock: socket.socket, path: Path) -> None:
    before = os.umask(_MASK)  # a chmod would come after the moment at which others may connect
    try:
        sock.bind(str(path))
    finally:
        os.umask(before)
    sock.listen(BACKLOG)


def _remove_dead(path: Path) -> None:
    """Remove a socket on which nobody listens.

    Raises:
        OSError: somebody does, or it is something else.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass  # so many wait for it that it must be alive
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _identity_of(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
