"""The three proxies, each with the recipe that its own documentation gives for this job.

All ask for a client certificate (``optional``), refuse who has none, tell the app who the client is
and speak HTTP/1.1 to it. Limits are those of the corpus where the proxy has such a limit.
"""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import proxy
from tests.gate import Haproxy, Nginx, require, running_gate
from tests.pki import server, trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NGINX = """
    upstream app {{ server 127.0.0.1:{app}; keepalive 32; }}
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    large_client_header_buffers 2 4k;
    client_header_timeout 5s; client_body_timeout 5s; keepalive_timeout 1s;
    proxy_read_timeout 5s; lingering_timeout 1s; lingering_time 2s;
    server {{
        listen 127.0.0.1:{{port}} ssl;
        ssl_certificate {folder}/server.crt; ssl_certificate_key {folder}/server.key;
        ssl_client_certificate {folder}/ca.crt; ssl_verify_client optional; ssl_verify_depth 3;
        proxy_http_version 1.1;
        proxy_set_header Host                $host;
        proxy_set_header Upgrade             $http_upgrade;
        proxy_set_header Connection          $connection_upgrade;
        proxy_set_header X-Forwarded-For     $remote_addr;
        proxy_set_header X-Forwarded-Proto   https;
        proxy_set_header X-Real-IP           $remote_addr;
        proxy_set_header X-SSL-Client-Verify $ssl_client_verify;
        proxy_set_header X-SSL-Client-S-DN   $ssl_client_s_dn;
        location / {{
            if ($ssl_client_verify != SUCCESS) {{ return 403; }}
            proxy_pass http://app;
        }}
    }}
"""
_HAPROXY_TLS = "crt {folder}/both.pem ca-file {folder}/ca.crt verify optional"
_HAPROXY = """
    timeout client 5s
    timeout http-request 5s
    timeout http-keep-alive 1s
    http-request deny deny_status 403 unless {{ ssl_c_used }} {{ ssl_c_verify 0 }}
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Real-IP %[src]
    http-request set-header X-SSL-Client-Verify SUCCESS
    http-request set-header X-SSL-Client-S-DN %{{+Q}}[ssl_c_s_dn]
    default_backend app
backend app
    timeout server 5s
    server app 127.0.0.1:{app}
global
    tune.bufsize 5120
    tune.http.maxhdr 50
"""
_CERTGATE_LIMITS = {"head": 4096, "fields": 50}
_CERTGATE_TIMEOUTS = {"head": 5, "body": 5, "keepalive": 2, "response": 5, "shutdown": 5}


@contextmanager
def certgate(folder: Path, app: int) -> Iterator[int]:
    """Run certgate in front of the app at this port; yield its own port."""
    with running_gate(
        folder, f"http://127.0.0.1:{app}", limits=_CERTGATE_LIMITS, timeouts=_CERTGATE_TIMEOUTS
    ) as gate:
        yield gate.port


@contextmanager
def nginx(folder: Path, app: int) -> Iterator[int]:
    """Run nginx, as docs/from-nginx.md configures it."""
    _write_certificates(folder)
    running = Nginx(folder, _NGINX.format(folder=folder, app=app))
    try:
        yield running.port
    finally:
        running.close()


@contextmanager
def haproxy(folder: Path, app: int) -> Iterator[int]:
    """Run HAProxy with the same rules."""
    _write_certificates(folder)
    pem = (folder / "server.crt").read_bytes() + (folder / "server.key").read_bytes()
    (folder / "both.pem").write_bytes(pem)
    tls = _HAPROXY_TLS.format(folder=folder)
    running = Haproxy(folder, tls, _HAPROXY.format(app=app))
    try:
        yield running.port
    finally:
        running.close()


def _write_certificates(folder: Path) -> None:
    server().write(folder, "server")
    (folder / "ca.crt").write_bytes(trust().ca_pem)


PROXIES = {"certgate": certgate, "nginx": nginx, "HAProxy": haproxy}


def version(name: str) -> str:
    """Return the version of a proxy, without what a distribution adds to it."""
    if name == "certgate":
        return proxy.__version__
    program = require(name.lower())
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=True)
    found = re.search(r"(?:/|version )(\d+\.\d+\.\d+)", done.stdout + done.stderr)
    assert found, done
    return found[1]
