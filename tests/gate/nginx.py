"""A real nginx in the foreground, with its own prefix, port and pid."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

from tests.gate.output import Output
from tests.gate.tools import require

if TYPE_CHECKING:
    from pathlib import Path

_TEMPLATE = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}
}}
"""


class Nginx:
    """One running nginx. ``{port}`` in the configuration is a free port of 127.0.0.1."""

    def __init__(self, folder: Path, http: str) -> None:
        program = require("nginx")
        # nginx cannot take port 0: a port found free may be gone a moment later, so try again.
        for _ in range(5):
            self.port = free_port()
            if self._start(program, folder, http.replace("{port}", str(self.port))):
                return
        raise AssertionError(self.stderr.text)

    def _start(self, program: str, folder: Path, http: str) -> bool:
        configuration = folder / "nginx.conf"
        configuration.write_text(_TEMPLATE.format(folder=folder, http=http), encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(configuration), "-e", "stderr"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
        assert self.process.stderr
        self.stderr = Output(self.process.stderr, "nginx stderr")
        # It says which event method it uses after it has bound and begun to listen.
        line = self.stderr.wait_for(r"using the \"|\[emerg\] (?!.*still could not)").string
        if "[emerg]" not in line:
            return True
        self.process.wait()
        assert "Address already in use" in line, self.stderr.text
        return False

    def close(self) -> None:
        """Stop it at once."""
        self.process.terminate()
        self.process.wait(10)


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free just now. Prefer port 0 wherever that works."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
