"""A client's connection to a Unix socket."""

from __future__ import annotations

import socket


def connect_unix(path: str, timeout: float) -> socket.socket:
    """Return a socket that is connected to this path.

    Raises:
        OSError: nobody listens there, or not in time; the socket is closed.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection
