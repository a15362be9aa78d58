"""Listening sockets that the process is started with: systemd's socket activation, or a shell's."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

from proxy.config.listen_addresses import Descriptor, SystemdSocket
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_FIRST = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
_UNNAMED = "unknown"  # what sd_listen_fds_with_names(3) calls a socket without a name
_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6, socket.AF_UNIX})
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class InheritedSockets:
    """What was there at the start.

    A descriptor's number means this only then: later it may be a client's connection.
    """

    __slots__ = ("_is_start", "_named", "_taken")

    def __init__(self, named: Mapping[int, str] | None = None) -> None:
        """Keep the names.

        Args:
            named: the descriptors that systemd passed, and their names.
        """
        self._named = dict(named or {})
        self._taken: set[int] = set()
        self._is_start = True

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str], pid: int) -> InheritedSockets:
        """Read what systemd says, and remove it: it is not meant for children.

        Args:
            environ: of the process.
            pid: of the process; what is meant for another one does not count.
        """
        of_pid, count, names = (environ.pop(name, "") for name in _VARIABLES)
        if of_pid != str(pid) or not count.isdecimal():
            return cls()
        listed = names.split(":") if names else []
        listed += [_UNNAMED] * (int(count) - len(listed))
        return cls(dict(enumerate(listed[: int(count)], _FIRST)))

    def take(self, address: Descriptor | SystemdSocket) -> list[socket.socket]:
        """Return the listening sockets of this address.

        Raises:
            CertgateError: there are none, or no such ones.
        """
        if not self._is_start:
            raise CertgateError(
                f"cannot listen on {address}: sockets are taken over at the start only; restart"
            )
        if isinstance(address, Descriptor):
            numbers = [address.number]
        else:
            numbers = [number for number, name in self._named.items() if name == address.name]
            if not numbers:
                raise CertgateError(f"cannot listen on {address}: {self._what_there_is()}")
        return [self._open(address, number) for number in numbers]

    def end_of_start(self) -> list[str]:
        """Give nothing out any more; return the names of what systemd passed and nobody took."""
        self._is_start = False
        return [name for number, name in self._named.items() if number not in self._taken]

    def _what_there_is(self) -> str:
        if not self._named:
            return "systemd has passed no sockets to this process"
        return f"systemd has passed other sockets: {', '.join(sorted(set(self._named.values())))}"

    def _open(self, address: Descriptor | SystemdSocket, number: int) -> socket.socket:
        if number in self._taken:
            raise CertgateError(f"cannot listen on {address}: fd {number} is used already")
        try:
            sock = socket.socket(fileno=number)
        except OSError as error:
            is_open = error.errno != errno.EBADF
            reason = "is not a socket" if is_open else "is not open: nobody passed it"
            raise CertgateError(f"cannot listen on {address}: fd {number} {reason}") from error
        if not _is_listening(sock):
            sock.detach()  # it is somebody else's to close
            raise CertgateError(f"cannot listen on {address}: fd {number} is no listening socket")
        os.set_inheritable(number, False)
        self._taken.add(number)
        return sock


def _is_listening(sock: socket.socket) -> bool:
    return (
        sock.family in _FAMILIES
        and sock.type == socket.SOCK_STREAM
        and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    )
