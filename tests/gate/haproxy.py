"""A real HAProxy in the foreground, on a socket that is bound before it starts."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

from tests.gate.tools import require

if TYPE_CHECKING:
    from pathlib import Path

_TEMPLATE = """
global
    maxconn 100
defaults
    mode http
    timeout connect 10s
    timeout client 10s
    timeout server 10s
frontend gate
    bind fd@{descriptor} ssl {ssl}
    {http}
"""


class Haproxy:
    """One running HAProxy.

    Its listening socket is ours: connections wait in it until HAProxy is there to take them.
    """

    def __init__(self, folder: Path, ssl: str, http: str) -> None:
        program = require("haproxy")
        configuration = folder / "haproxy.cfg"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
            descriptor = listener.fileno()
            text = _TEMPLATE.format(descriptor=descriptor, ssl=ssl, http=http)
            configuration.write_text(text, encoding="utf-8")
            self.process = subprocess.Popen(
                [program, "-db", "-q", "-f", str(configuration)],
                stdin=subprocess.DEVNULL,
                pass_fds=[descriptor],
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )

    def close(self) -> None:
        """Stop it at once."""
        self.process.terminate()
        self.process.wait(10)
