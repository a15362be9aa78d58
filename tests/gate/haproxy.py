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
{frontend}
"""
_HTTP = """
frontend gate
    bind fd@DESCRIPTOR ssl {ssl}
    {http}
"""
_BALANCER = """
listen balancer
    mode tcp
    bind fd@DESCRIPTOR
    server gate {server}
"""


class Haproxy:
    """One running HAProxy.

    Its listening socket is ours: connections wait in it until HAProxy is there to take them.
    """

    def __init__(self, folder: Path, ssl: str, http: str) -> None:
        self._start(folder, _HTTP.format(ssl=ssl, http=http))

    @classmethod
    def balancer(cls, folder: Path, server: str) -> Haproxy:
        """Return one that passes connections on as they are; ``server`` is HAProxy's own line."""
        made = cls.__new__(cls)
        made._start(folder, _BALANCER.format(server=server))
        return made

    def _start(self, folder: Path, frontend: str) -> None:
        program = require("haproxy")
        configuration = folder / "haproxy.cfg"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
            descriptor = listener.fileno()
            bound = frontend.replace("DESCRIPTOR", str(descriptor))
            text = _TEMPLATE.format(frontend=bound)
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
